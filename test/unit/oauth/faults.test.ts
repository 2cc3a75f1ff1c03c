import { createServer, type AddressInfo, Socket } from 'node:net'
import { describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { failure } from '../../../src/domain/failures.ts'
import { failed, ok } from '../../../src/domain/result.ts'
import type { TokenAnswer } from '../../../src/domain/token-exchange.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { answers, httpAnswer, type Script } from '../../support/scripted-token-endpoint.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, scripted } from './endpoint-bench.ts'

const pair = JSON.stringify({ access_token: canary('at'), refresh_token: canary('rt'), expires_in: 60 })

/** One refresh against a script, with everything that tells how often the request was sent. An answer is told once, at once. */
async function refreshAgainst(script: Script, responseTimeoutMs = 5000) {
  const server = await scripted({ script })
  const told: TokenAnswer[] = []
  const request = aRequest({ tokenEndpoint: server.url })
  const exchange = await anEndpoint({ responseTimeoutMs }).request(request, go, (answer) => void told.push(answer))
  expect(told).toEqual(exchange.kind === 'answered' ? [exchange.answer] : [])
  // Long enough for a client that would try again at once.
  await pause(30)
  return { exchange, requests: server.requests.length, connections: server.connections.length }
}

/** Sends as fast as the other side reads, for as long as it does. */
function flood(socket: Parameters<Script>[0], head: string, again: string): void {
  socket.write(head)
  const block = again.repeat(Math.ceil(65_536 / again.length))
  const more = (): void => {
    if (!socket.destroyed) socket.write(block, () => setImmediate(more))
  }
  more()
}

async function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const once = { requests: 1, connections: 1 }

describe('whatever the server does, the request is sent once, and the outcome says what is known', () => {
  const answered: Readonly<Record<string, { script: Script; status: number; body: string; complete: boolean }>> = {
    'a whole answer': { script: answers(200, pair), status: 200, body: pair, complete: true },
    'a redirect that keeps the method': {
      script: answers(307, '', { location: '/token' }),
      status: 307,
      body: '',
      complete: true,
    },
    'a redirect of the other kind': {
      script: answers(302, '', { location: '/token' }),
      status: 302,
      body: '',
      complete: true,
    },
    'a misdirected request': { script: answers(421, ''), status: 421, body: '', complete: true },
    'a server that is unavailable': {
      script: answers(503, '', { 'retry-after': '1' }),
      status: 503,
      body: '',
      complete: true,
    },
    'a timeout that the server tells': { script: answers(408, ''), status: 408, body: '', complete: true },
    'a challenge': {
      script: answers(401, '', { 'www-authenticate': 'Basic realm="x"' }),
      status: 401,
      body: '',
      complete: true,
    },
    'a body that ends with the connection': {
      script: (socket) => socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${pair}`),
      status: 200,
      body: pair,
      complete: true,
    },
    'a chunked body': {
      script: (socket) => socket.end(chunked([pair.slice(0, 20), pair.slice(20)], true)),
      status: 200,
      body: pair,
      complete: true,
    },
    'a chunked body without its end': {
      script: (socket) => socket.end(chunked([pair.slice(0, 20), pair.slice(20)], false)),
      status: 200,
      body: pair,
      complete: false,
    },
    'a body that is shorter than announced': {
      script: (socket) => socket.end(httpAnswer(200, pair, { 'content-length': '9999' })),
      status: 200,
      body: pair,
      complete: false,
    },
    'a connection reset in the body': {
      script: (socket) => {
        socket.write(httpAnswer(200, pair, { 'content-length': '9999' }))
        setTimeout(() => socket.resetAndDestroy(), 20)
      },
      status: 200,
      body: pair,
      complete: false,
    },
    'an answer that comes byte by byte': {
      script: byteByByte(httpAnswer(200, '{"a":1}')),
      status: 200,
      body: '{"a":1}',
      complete: true,
    },
    'an interim answer first': {
      script: (socket) => socket.end(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${httpAnswer(200, pair)}`),
      status: 200,
      body: pair,
      complete: true,
    },
    'a header that a strict reader refuses': {
      script: (socket) => socket.end(httpAnswer(200, pair, { 'x-note': 'a\u0001b' })),
      status: 200,
      body: pair,
      complete: true,
    },
    'a length besides chunks': {
      script: (socket) => socket.end(chunked([pair], true, `content-length: ${pair.length}\r\n`)),
      status: 200,
      body: pair,
      complete: true,
    },
    'a body in Latin-1': {
      script: (socket) => socket.end(Buffer.from(httpAnswer(200, 'é', { 'content-length': '1' }), 'latin1')),
      status: 200,
      body: '\ufffd',
      complete: true,
    },
  }
  test.each(Object.entries(answered))('%s: answered', async (_name, { script, status, body, complete }) => {
    const { exchange, ...counts } = await refreshAgainst(script)
    const answer = answerOf(exchange)
    expect({ ...answer, body: answer.body.reveal() }).toMatchObject({ status, body, complete })
    expect(counts).toEqual(once)
    observeOutput('answer', JSON.stringify(exchange))
  })

  const lost: Readonly<Record<string, { script: Script; says: string }>> = {
    'silence until the deadline': { script: () => undefined, says: 'it did not answer in time (ETIMEDOUT)' },
    'a header that never ends': {
      script: (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n', 'x: y\r\n'),
      says: '(ETIMEDOUT)',
    },
    'a connection closed without a word': { script: (socket) => socket.end(), says: '(ECONNRESET)' },
    'a reset connection': { script: (socket) => socket.resetAndDestroy(), says: '(ECONNRESET)' },
    'half a status line': { script: (socket) => socket.end('HTTP/1.1 20'), says: '(' },
    noise: { script: (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'), says: '(HPE_' },
    'another protocol': {
      script: (socket) =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'),
      says: 'it answered that it goes on in another protocol (UNEXPECTED_PROTOCOL)',
    },
    'another protocol that has no name': {
      script: (socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
      says: '(UNEXPECTED_PROTOCOL)',
    },
    'a header of 100 KiB': {
      script: (socket) => socket.end(httpAnswer(200, pair, { 'x-long': 'a'.repeat(100 * 1024) })),
      says: 'its header is too large (HPE_HEADER_OVERFLOW)',
    },
  }
  test.each(Object.entries(lost))('%s: lost', async (_name, { script, says }) => {
    const { exchange, ...counts } = await refreshAgainst(script, 300)
    const { kind, code, message } = failureOf(exchange)
    expect({ kind, code }).toEqual({ kind: 'lost', code: 'TOKEN_RESULT_UNKNOWN' })
    expect(message).toContain('The token request to OAuthProvider ci/gateway was sent and no answer came back: ')
    expect(message).toContain(says)
    expect(counts).toEqual(once)
  })

  it('the header and the body leave in one write', async () => {
    // Several writes would come as several calls, or as one of _writev.
    const write = vi.spyOn(Socket.prototype, '_write')
    onTestFinished(() => write.mockRestore())
    const { exchange } = await refreshAgainst(answers(200, pair))
    answerOf(exchange)
    const firstWords = write.mock.calls.map(([chunk]: unknown[]) => String(chunk).split(' ', 1).join(''))
    expect(firstWords).toEqual(['POST', 'HTTP/1.1'])
  })

  it('keeps what has come by the deadline', async () => {
    const { exchange, ...counts } = await refreshAgainst((socket) => {
      socket.write(httpAnswer(200, pair.slice(0, 30), { 'content-length': '9999' }))
    }, 300)
    const answer = answerOf(exchange)
    expect({ body: answer.body.reveal(), complete: answer.complete }).toEqual({
      body: pair.slice(0, 30),
      complete: false,
    })
    expect(counts).toEqual(once)
  })

  it('reads 256 KiB of a body and no more', async () => {
    const limit = 256 * 1024
    const whole = answerOf((await refreshAgainst(answers(200, 'a'.repeat(limit)))).exchange)
    expect([whole.body.reveal().length, whole.complete]).toEqual([limit, true])
    const endless: Script = (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'a'.repeat(64 * 1024), 1)
    const cut = answerOf((await refreshAgainst(endless, 60_000)).exchange)
    expect([cut.body.reveal().length, cut.complete]).toEqual([limit, false])
  })

  it('stops reading where nothing that is sent brings the end of the answer nearer', async () => {
    const interim: Script = (socket) => flood(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n')
    const nothing = failureOf((await refreshAgainst(interim, 60_000)).exchange)
    expect(nothing).toMatchObject({ kind: 'lost', code: 'TOKEN_RESULT_UNKNOWN' })
    expect(nothing.message).toContain('it went on sending without coming to an end (ANSWER_WITHOUT_END)')
    const head = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${pair.length.toString(16)}\r\n${pair}\r\n`
    const extended: Script = (socket) => flood(socket, head, `1;${'x'.repeat(8192)}\r\n \r\n`)
    const answer = answerOf((await refreshAgainst(extended, 60_000)).exchange)
    expect([answer.body.reveal().trim(), answer.complete]).toEqual([pair, false])
  })

  it('reports the headers that a reader needs', async () => {
    const headers = {
      'content-type': 'Application/JSON; charset=utf-8',
      'retry-after': '7',
      date: 'Sun, 06 Nov 1994 08:49:37 GMT',
    }
    const answer = answerOf((await refreshAgainst(answers(429, '{}', headers))).exchange)
    expect(answer).toMatchObject({ contentType: 'application/json', retryAfter: '7', date: headers.date })
  })
})

describe('before the request is sent', () => {
  it('the connection stands when beforeSend is called, and no byte of the request has gone', async () => {
    const server = await scripted({ script: answers(200, pair) })
    const seen: [number, number][] = []
    await anEndpoint().request(aRequest({ tokenEndpoint: server.url }), async () => {
      await pause(30)
      seen.push([server.connections.length, server.bytesReceived])
      return ok(undefined)
    })
    expect(seen).toEqual([[1, 0]])
    expect(server.requests).toHaveLength(1)
  })

  it('what beforeSend refuses is never sent', async () => {
    const server = await scripted({ script: answers(200, pair) })
    const reason = failure('JOURNAL_UNAVAILABLE', 'The journal is full.')
    const exchange = await anEndpoint().request(aRequest({ tokenEndpoint: server.url }), async () => failed(reason))
    await pause(30)
    expect(exchange).toEqual({ kind: 'not-sent', failure: reason })
    expect(server.bytesReceived).toBe(0)
    expect(server.connections.every((socket) => socket.destroyed)).toBe(true)
  })

  it('nothing is sent when beforeSend throws', async () => {
    const server = await scripted({ script: answers(200, pair) })
    const thrown = anEndpoint().request(aRequest({ tokenEndpoint: server.url }), async () => {
      throw new Error('a bug')
    })
    await expect(thrown).rejects.toThrow('a bug')
    await pause(30)
    expect(server.bytesReceived).toBe(0)
  })

  const closing: Readonly<Record<string, (socket: Socket) => void>> = {
    closes: (socket) => socket.end(),
    resets: (socket) => socket.resetAndDestroy(),
  }
  test.each(Object.entries(closing))(
    'a server that %s the connection meanwhile got nothing',
    async (_name, connected) => {
      const server = await scripted({ script: answers(200, pair), connected })
      const exchange = await anEndpoint().request(aRequest({ tokenEndpoint: server.url }), async () => {
        await pause(50)
        return ok(undefined)
      })
      expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'TOKEN_ENDPOINT_UNREACHABLE' })
      expect(server.bytesReceived).toBe(0)
    },
  )

  it('a refused connection is told as such, and beforeSend is not called', async () => {
    const port = await freePort()
    let called = false
    const exchange = await anEndpoint().request(
      aRequest({ tokenEndpoint: `http://127.0.0.1:${port}/token` }),
      async () => {
        called = true
        return ok(undefined)
      },
    )
    expect(failureOf(exchange)).toMatchObject({
      kind: 'not-sent',
      code: 'TOKEN_ENDPOINT_UNREACHABLE',
      message: expect.stringContaining(
        'The token endpoint of OAuthProvider ci/gateway could not be reached: the connection was refused (ECONNREFUSED).',
      ) as string,
    })
    expect(called).toBe(false)
  })

  it('a host that does not exist is told as such', async () => {
    const exchange = await anEndpoint({
      lookup: async () => {
        throw Object.assign(new Error('getaddrinfo ENOTFOUND login.internal'), { code: 'ENOTFOUND' })
      },
    }).request(aRequest({ tokenEndpoint: 'https://login.internal/token' }), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'TOKEN_ENDPOINT_UNREACHABLE' })
    expect(failureOf(exchange).message).toContain('its name does not exist (ENOTFOUND)')
  })

  it('a TLS handshake that never ends, and a name that is never resolved, stop at the connect timeout', async () => {
    const server = await scripted({ script: () => undefined })
    const stuck = anEndpoint({ connectTimeoutMs: 200 }).request(
      aRequest({ tokenEndpoint: server.url.replace('http:', 'https:') }),
      go,
    )
    const unresolved = anEndpoint({ connectTimeoutMs: 200, lookup: async () => new Promise(() => undefined) }).request(
      aRequest({ tokenEndpoint: 'https://login.internal/token' }),
      go,
    )
    for (const exchange of await Promise.all([stuck, unresolved])) {
      expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'TOKEN_ENDPOINT_UNREACHABLE' })
      expect(failureOf(exchange).message).toContain('it did not answer in time (ETIMEDOUT)')
    }
    expect(server.connections).toHaveLength(1)
    expect(server.requests).toHaveLength(0)
  })
})

function chunked(chunks: readonly string[], ended: boolean, headers = ''): string {
  const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
  return `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n${headers}\r\n${body}${ended ? '0\r\n\r\n' : ''}`
}

function byteByByte(text: string): Script {
  return (socket) => {
    let sent = 0
    const timer = setInterval(() => {
      socket.write(text[sent] ?? '')
      sent++
      if (sent < text.length && !socket.destroyed) return
      clearInterval(timer)
      socket.end()
    }, 1)
  }
}

/** Sends the same bytes again and again until the other side has gone. */
function drip(socket: Socket, first: string, again: string, everyMs = 20): void {
  socket.write(first)
  const timer = setInterval(() => socket.write(again), everyMs)
  socket.on('close', () => clearInterval(timer))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
