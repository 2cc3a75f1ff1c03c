import { connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { HealthCheck } from '../../../src/adapters/system/health-check.ts'
import { HealthServer, type HealthServerOptions, type Scrape } from '../../../src/adapters/system/health-server.ts'
import type { LogFields, Logger } from '../../../src/ports/logger.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const anyPort = { host: '127.0.0.1', port: 0 } as const
const running: HealthServer[] = []
const logged: string[] = []

const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep }

function keep(fields: LogFields, message: string): void {
  const line = JSON.stringify({ ...fields, message })
  observeOutput('log', line)
  logged.push(line)
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()))
  logged.length = 0
})

async function serve(overrides: Partial<HealthServerOptions> = {}): Promise<HealthServer> {
  const server = new HealthServer({
    metricsAddress: anyPort,
    healthAddress: anyPort,
    scrape: scrapeOf(() => partsOf('a 1\n')),
    liveness: [],
    readiness: [],
    logger,
    ...overrides,
  })
  running.push(server)
  await server.start()
  return server
}

/** Answers in the format whose name the Accept header begins with, or as `text/plain`. */
function scrapeOf(render: Scrape['render']): Scrape {
  return {
    formatFor: (accept = '') => (accept.startsWith('other') ? 'other' : 'text'),
    contentTypeOf: (format) => (format === 'other' ? 'application/other' : 'text/plain; version=0.0.4'),
    render,
  }
}

async function* partsOf(...parts: readonly string[]): AsyncGenerator<string> {
  for (const part of parts) yield await Promise.resolve(part)
}

function url(port: number | undefined, path: string): string {
  return `http://127.0.0.1:${port ?? 0}${path}`
}

const ill: HealthCheck = { name: 'watch', problem: () => 'no event for 900 s' }
const well: HealthCheck = { name: 'event-loop', problem: () => undefined }

describe('/metrics', () => {
  test('answers a scrape with its content type', async () => {
    const server = await serve()
    const answer = await fetch(url(server.metricsPort(), '/metrics'))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4')
    expect(await answer.text()).toBe('a 1\n')
  })

  test('sends a scrape that comes in parts', async () => {
    const server = await serve({ scrape: scrapeOf(() => partsOf('a 1\n', 'b{name="é"} 2\n')) })
    const answer = await fetch(url(server.metricsPort(), '/metrics'))
    expect(await answer.text()).toBe('a 1\nb{name="é"} 2\n')
  })

  test('renders nothing for HEAD', async () => {
    const server = await serve({ scrape: scrapeOf(() => expect.unreachable()) })
    const head = await fetch(url(server.metricsPort(), '/metrics'), { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      'text/plain; version=0.0.4',
      '',
    ])
  })

  test('renders no faster than somebody reads, and stops when he is gone', async () => {
    const page = endlessPage()
    const server = await serve({ scrape: scrapeOf(() => page.parts()) })
    const socket = connect(server.metricsPort() ?? 0, '127.0.0.1')
    socket.pause()
    socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')
    const rendered = await settled(() => page.rendered)
    // What the buffers of the system hold, and not what a process may hold.
    expect(rendered * pagePart.length).toBeLessThan(32 * 1024 * 1024)
    expect(page.ended).toBe(false)
    socket.destroy()
    await vi.waitFor(() => expect(page.ended).toBe(true))
  })

  test('is refused to a fifth at a time, and answered when the others are over', async () => {
    const page = endlessPage()
    const server = await serve({ scrape: scrapeOf(() => page.parts()) })
    const away = new AbortController()
    const four = [1, 2, 3, 4].map(() => fetch(url(server.metricsPort(), '/metrics'), { signal: away.signal }))
    await Promise.all(four)
    const fifth = await fetch(url(server.metricsPort(), '/metrics'))
    expect([fifth.status, fifth.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await fifth.text()).toBe('too many scrapes at once\n')
    away.abort()
    page.end()
    await vi.waitFor(async () => {
      const answer = await fetch(url(server.metricsPort(), '/metrics'))
      await answer.text()
      expect(answer.status).toBe(200)
    })
  })

  test('is over for a reader who takes nothing of it', async () => {
    const page = endlessPage()
    const server = await serve({ scrape: scrapeOf(() => page.parts()), idleReaderMs: 50 })
    const socket = connect(server.metricsPort() ?? 0, '127.0.0.1')
    socket.pause()
    socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')
    await vi.waitFor(() => expect(page.ended).toBe(true), 5000)
    socket.destroy()
  })

  test('is sent once at a time to one connection, which keeps nobody else from it', async () => {
    const page = endlessPage()
    const server = await serve({ scrape: scrapeOf(() => page.parts()) })
    const socket = connect(server.metricsPort() ?? 0, '127.0.0.1')
    socket.pause()
    socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(4))
    await settled(() => page.rendered)
    const away = new AbortController()
    const other = await fetch(url(server.metricsPort(), '/metrics'), { signal: away.signal })
    expect(other.status).toBe(200)
    away.abort()
    socket.destroy()
  })

  test('answers each in the format that it asks for, at the same time too', async () => {
    const server = await serve({ scrape: scrapeOf((format) => partsOf(`${format}\n`)) })
    const asked = ['other', '*/*'].map((accept) =>
      fetch(url(server.metricsPort(), '/metrics'), { headers: { accept } }),
    )
    const answers = await Promise.all(asked)
    expect(answers.map(({ headers }) => [headers.get('content-type'), headers.get('vary')])).toEqual([
      ['application/other', 'Accept'],
      ['text/plain; version=0.0.4', 'Accept'],
    ])
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['other\n', 'text\n'])
  })

  test('that cannot be rendered is a 500 that tells nothing, and the next one works', async () => {
    const secret = canary('secret')
    let broken = true
    const server = await serve({ scrape: scrapeOf(() => (broken ? brokenAfter(secret) : partsOf('a 1\n'))) })
    const answer = await fetch(url(server.metricsPort(), '/metrics'))
    const text = await answer.text()
    observeOutput('answer to a scrape', text)
    expect([answer.status, text]).toEqual([500, 'internal error\n'])
    expect(logged).toEqual([unanswered])
    broken = false
    expect((await fetch(url(server.metricsPort(), '/metrics'))).status).toBe(200)
  })

  test('that cannot be rendered to its end is no whole answer', async () => {
    const server = await serve({ scrape: scrapeOf(() => brokenAfter(canary('secret'), 'a 1\n')) })
    const answer = await fetch(url(server.metricsPort(), '/metrics'))
    await expect(answer.text()).rejects.toThrow()
    expect(logged).toEqual([unanswered])
  })
})

const unanswered = '{"path":"/metrics","error":"TypeError","message":"a probe or a scrape could not be answered"}'
const pagePart = 'a'.repeat(16_384)

async function* brokenAfter(message: string, ...parts: readonly string[]): AsyncGenerator<string> {
  yield* partsOf(...parts)
  throw new TypeError(message)
}

interface EndlessPage {
  readonly rendered: number
  readonly ended: boolean
  parts(): AsyncGenerator<string>
  end(): void
}

function endlessPage(): EndlessPage {
  let isOver = false
  const page = { rendered: 0, ended: false, parts, end: () => void (isOver = true) }
  async function* parts(): AsyncGenerator<string> {
    try {
      while (!isOver) {
        page.rendered += 1
        yield pagePart
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      page.ended = true
    }
  }
  return page
}

/** A number once it has not changed for a while. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1; before !== read(); await new Promise((resolve) => setTimeout(resolve, 60))) before = read()
  return read()
}

describe('probes', () => {
  test('are 200 while every check is well', async () => {
    const server = await serve({ liveness: [well], readiness: [well] })
    for (const path of ['/healthz', '/readyz', '/healthz?verbose']) {
      const answer = await fetch(url(server.healthPort(), path))
      expect([answer.status, await answer.text()]).toEqual([200, '[+] event-loop: ok\nok\n'])
    }
  })

  test('are 503 with the reason while one is not, each with its own checks', async () => {
    const server = await serve({ liveness: [well], readiness: [well, ill] })
    expect((await fetch(url(server.healthPort(), '/healthz'))).status).toBe(200)
    const answer = await fetch(url(server.healthPort(), '/readyz'))
    expect(answer.status).toBe(503)
    expect(await answer.text()).toContain('[-] watch: no event for 900 s\n')
  })
})

describe('the server', () => {
  test('answers HEAD like GET, without the body', async () => {
    const server = await serve()
    const answer = await fetch(url(server.healthPort(), '/healthz'), { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '3', ''])
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const server = await serve()
    const answer = await fetch(url(server.healthPort(), '/healthz'), { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test.each(['/', '/healthz/', '/metrics/x', '/debug', '/health%7a'])('knows no %s', async (path) => {
    const server = await serve()
    expect((await fetch(url(server.healthPort(), path))).status).toBe(404)
  })

  test('keeps metrics and probes apart on two ports', async () => {
    const server = await serve()
    expect(server.metricsPort()).not.toBe(server.healthPort())
    expect((await fetch(url(server.metricsPort(), '/healthz'))).status).toBe(404)
    expect((await fetch(url(server.healthPort(), '/metrics'))).status).toBe(404)
  })

  test('serves both on one port when the addresses are the same', async () => {
    const free = await serve({ healthAddress: anyPort })
    const address = { host: '127.0.0.1', port: free.metricsPort() ?? 0 }
    await free.stop()
    const server = await serve({ metricsAddress: address, healthAddress: address })
    expect([server.metricsPort(), server.healthPort()]).toEqual([address.port, address.port])
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      expect((await fetch(url(address.port, path))).status).toBe(200)
    }
  })

  test('serves nothing that it has no address for', async () => {
    const server = new HealthServer({
      scrape: scrapeOf(() => partsOf()),
      liveness: [],
      readiness: [],
      logger,
    })
    await server.start()
    expect([server.metricsPort(), server.healthPort()]).toEqual([undefined, undefined])
    await server.stop()
  })

  test('says when a port is taken, and then holds none', async () => {
    const first = await serve()
    const taken = { host: '127.0.0.1', port: first.healthPort() ?? 0 }
    const second = new HealthServer({
      metricsAddress: anyPort,
      healthAddress: taken,
      scrape: scrapeOf(() => partsOf()),
      liveness: [],
      readiness: [],
      logger,
    })
    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(second.metricsPort()).toBeUndefined()
  })

  test('stops although somebody holds a connection open, and can be stopped twice', async () => {
    const server = await serve()
    const socket = connect(server.healthPort() ?? 0, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
    await server.stop()
    await closed
    await server.stop()
    await expect(fetch(url(server.healthPort(), '/healthz'))).rejects.toThrow()
  })

  test('refuses headers beyond eight kilobytes', async () => {
    const server = await serve()
    const answer = await fetch(url(server.healthPort(), '/healthz'), { headers: { 'x-long': 'a'.repeat(9000) } })
    expect(answer.status).toBe(431)
  })
})
