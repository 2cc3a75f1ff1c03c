import { chance } from './malformed-chance.ts'
import { at, framings, limit, type Malformed, response, rt, standard } from './malformed-message.ts'
import { packedAnswers } from './malformed-packed.ts'

const shapes: Readonly<Record<string, string>> = {
  standard: JSON.stringify(standard),
  'refresh token first, pretty-printed': JSON.stringify(
    { refresh_token: rt, access_token: at, expires_in: '60' },
    null,
    2,
  ),
  nested: JSON.stringify({ ok: true, authed_user: { id: 'U1', ...standard }, team: { id: 'T1' } }),
  escaped: `{"refresh_token":"${escaped(rt)}","access_token":"${at}"}`,
  form: new URLSearchParams({ ...standard, expires_in: '3600' }).toString(),
  'with text beyond ASCII': JSON.stringify({ user: 'Zoë 雪 🎿', ...standard }),
}

function escaped(text: string): string {
  return text.replaceAll(/[a-f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Where in the body the refresh token has arrived whole, in bytes. */
function wholeFrom(body: string): number {
  const isForm = !body.startsWith('{')
  const name = isForm ? 'refresh_token=' : 'refresh_token":'
  const value = body.indexOf(name) + name.length
  const end = isForm ? body.indexOf('&', value) : body.indexOf('"', body.indexOf('"', value) + 1)
  return Buffer.byteLength(body.slice(0, end + 1))
}

/** Every shape, cut after each of its bytes, in a frame that tells so. */
function truncations(): readonly Malformed[] {
  return Object.entries(shapes).flatMap(([name, body]) => {
    const bytes = Buffer.from(body)
    const whole = wholeFrom(body)
    return Array.from(bytes, (_, length) => {
      const framing = length % 2 === 0 ? 'length' : 'chunked'
      const head = response(bytes, { framing }).indexOf(bytes)
      return {
        what: `${name}, ${framing}, cut after ${length} bytes`,
        bytes: response(bytes, { framing }).subarray(0, head + length),
        ...(length % 7 === 3 && { ending: 'reset' as const }),
        // A reset may overtake what was sent before it.
        ...(length % 7 === 3 ? { any: true as const } : length >= whole ? { refreshToken: rt } : {}),
      }
    })
  })
}

function headTruncations(): readonly Malformed[] {
  const whole = response(JSON.stringify(standard), { headers: 'date: Sun, 06 Nov 1994 08:49:37 GMT\r\n' })
  const head = whole.indexOf('\r\n\r\n') + 4
  return Array.from({ length: head }, (_, length) => ({
    what: `head cut after ${length} bytes`,
    bytes: whole.subarray(0, length),
  }))
}

/** Bytes changed, put in or taken out around the refresh token, which stays whole. */
function damaged(): readonly Malformed[] {
  const random = chance(20_261_121)
  const kept = Buffer.from(`"refresh_token":"${rt}"`)
  return Array.from({ length: 3400 }, (_, n) => {
    const body = JSON.stringify(
      n % 2 === 0 ? standard : { refresh_token: rt, access_token: at, expires_in: 60, x: [1, { y: null }] },
    )
    let bytes = Buffer.from(body)
    for (let damages = 1 + random(3); damages > 0; damages--) {
      const from = bytes.indexOf(kept)
      const places = bytes.length - kept.length
      const place = random(places)
      const index = place < from ? place : place + kept.length
      const byte = random(4) === 0 ? Buffer.from('{}[]",:\\'.charAt(random(8))) : Buffer.from([random(256)])
      const kind = random(3)
      const skipped = kind === 0 ? 0 : 1
      bytes = Buffer.concat([
        bytes.subarray(0, index),
        kind === 2 ? Buffer.alloc(0) : byte,
        bytes.subarray(index + skipped),
      ])
    }
    const framing = framings[n % 3] ?? 'length'
    return { what: `damaged #${n}`, bytes: response(bytes, { framing }), refreshToken: rt }
  })
}

/** Every status with bodies of every kind. Informational ones are followed by nothing. */
function statuses(): readonly Malformed[] {
  const bodies: Readonly<Record<string, string>> = {
    nothing: '',
    page: '<!DOCTYPE html><html><body>Sign in</body></html>',
    error: '{"error":"invalid_grant","error_description":"gone"}',
    'unknown error': '{"error":"E-1"}',
    tokens: JSON.stringify(standard),
    words: 'upstream connect error',
  }
  const codes = Array.from({ length: 100 }, (_, n) => 100 + n * 5).concat(201, 204, 206, 301, 302, 303, 304, 307, 308)
  return codes.flatMap((status) =>
    Object.entries(bodies).map(([kind, body]) => {
      const isEmpty = status < 200 || status === 204 || status === 304
      const keeps = kind === 'tokens' && !isEmpty
      return {
        what: `status ${status}, ${kind}`,
        bytes: response(body, { status }),
        ...(keeps && { refreshToken: rt }),
      }
    }),
  )
}

function heads(): readonly Malformed[] {
  const body = JSON.stringify(standard)
  const length = `content-length: ${body.length}`
  const whole: Readonly<Record<string, string>> = {
    'no reason': `HTTP/1.1 200\r\n${length}\r\n\r\n${body}`,
    'HTTP/1.0': `HTTP/1.0 200 OK\r\n${length}\r\n\r\n${body}`,
    'no header at all': `HTTP/1.1 200 OK\r\n\r\n${body}`,
    'a folded header': `HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\n${length}\r\n\r\n${body}`,
    'a control character': `HTTP/1.1 200 OK\r\nx-a: \u0001\r\n${length}\r\n\r\n${body}`,
    'too short a length': `HTTP/1.1 200 OK\r\ncontent-length: ${body.length - 1}\r\n\r\n${body}`,
    'too long a length': `HTTP/1.1 200 OK\r\ncontent-length: ${body.length + 9}\r\n\r\n${body}`,
    'length and chunks': `HTTP/1.1 200 OK\r\n${length}\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    'a chunk extension': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)};x=y\r\n${body}\r\n0\r\n\r\n`,
    'a trailer': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\nx: y\r\n\r\n`,
    'an interim answer': `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n${length}\r\n\r\n${body}`,
    'a hundred headers': `HTTP/1.1 200 OK\r\n${'x-a: 1\r\n'.repeat(100)}${length}\r\n\r\n${body}`,
    'a second answer behind it': `HTTP/1.1 200 OK\r\n${length}\r\n\r\n${body}HTTP/1.1 400 Bad\r\n\r\n{"error":"invalid_grant"}`,
  }
  const odd: readonly string[] = [
    'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}',
    'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n{}',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}',
    'HTTP/1.1 2000 OK\r\n\r\n{}',
    'HTTP/1.1 abc OK\r\n\r\n{}',
    'HTTP/2 200\r\n\r\n{}',
    'HTTP/9.9 200 OK\r\n\r\n{}',
    'SSH-2.0-OpenSSH_9.9\r\n',
    '\u0000\u0000\u0012\u0004\u0000\u0000\u0000\u0000\u0000',
    '\u0015\u0003\u0001\u0000\u0002\u0002\u0046',
    '{"access_token":"x"}',
    '<html>',
    '\r\n\r\n\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n{}`,
  ]
  return [
    ...Object.entries(whole).map(([what, text]) => ({ what, bytes: Buffer.from(text), refreshToken: rt })),
    ...odd.map((text) => ({ what: `head ${JSON.stringify(text.slice(0, 60))}`, bytes: Buffer.from(text, 'latin1') })),
  ]
}

/** What an object of JavaScript, a decoder or a parser might trip over; the refresh token is in each. */
function parsers(): readonly Malformed[] {
  const inner = JSON.stringify(standard).slice(1)
  const bodies: Readonly<Record<string, Buffer | string>> = {
    '__proto__ before': `{"__proto__":{"access_token":"x","refresh_token":7},${inner}`,
    '__proto__ around': `{"__proto__":{${inner}}`,
    constructor: `{"constructor":{"prototype":{"refresh_token":1}},"toString":1,"hasOwnProperty":null,${inner}`,
    'a duplicate, the last one counts': `{"refresh_token":"older","access_token":"older",${inner}`,
    'a byte order mark': `\ufeff{${inner}`,
    'UTF-8 that is damaged elsewhere': Buffer.concat([
      Buffer.from('{"name":"'),
      Buffer.from([0xff, 0xc0, 0x80]),
      Buffer.from(`",${inner}`),
    ]),
    'UTF-8 that ends in the middle': Buffer.concat([
      Buffer.from(`{${inner.slice(0, -1)},"name":"`),
      Buffer.from([0xe2, 0x82]),
    ]),
    'half a surrogate pair elsewhere': `{"name":"\\ud83d",${inner}`,
    'NUL before': `\u0000{${inner}`,
    'NUL behind': `{${inner}\u0000\u0000`,
    'NUL between': `{"a":1,\u0000${inner}`,
    'a comment': `/* tokens */ {${inner}`,
    'a trailing comma': `{${inner.slice(0, -1)},}`,
    'a missing comma': `{"a":1 ${inner}`,
    'single quotes elsewhere': `{'a':'b',${inner}`,
    'names without quotes elsewhere': `{a:1,${inner}`,
    'NaN elsewhere': `{"a":NaN,${inner}`,
    'a call': `callback({${inner});`,
    'a guard': `)]}',\n{${inner}`,
    'an array': `[{${inner}]`,
    'two objects': `{"a":1}{${inner}`,
    'lines of objects': `{"a":1}\n{${inner}\n`,
    'a page around it': `<pre>{${inner}</pre>`,
    'a text around it': JSON.stringify(standard).replace('{', 'data: {'),
    'two levels down': `{"data":{"result":{${inner}}}`,
    'deep below objects': `${'{"a":'.repeat(40)}{${inner}${'}'.repeat(40)}`,
    'deeper than is read': `${'{"a":'.repeat(100)}{${inner}${'}'.repeat(100)}`,
    'deep below arrays': `{"a":${'['.repeat(200)}${']'.repeat(200)},${inner}`,
    'an access token of a wrong type': `{"access_token":{"v":1},"refresh_token":"${rt}"}`,
    'no access token': `{"refresh_token":"${rt}"}`,
    'no token type, expires_in as words': `{"access_token":"${at}","expires_in":"soon","refresh_token":"${rt}"}`,
    'expires_in that overflows': `{"access_token":"${at}","expires_in":1e400,"refresh_token":"${rt}"}`,
    'a member of 200 KiB before it': `{"junk":"${'x'.repeat(200 * 1024)}",${inner}`,
    'fifty thousand members before it': `{${'"":0,'.repeat(50_000)}${inner}`,
  }
  return framings.flatMap((framing) =>
    Object.entries(bodies).map(([what, body]) => ({
      what: `${what}, ${framing}`,
      bytes: response(body, { framing }),
      refreshToken: rt,
    })),
  )
}

function others(): readonly Malformed[] {
  const none: Readonly<Record<string, Buffer | string>> = {
    'a refresh token with a line break': JSON.stringify({ access_token: at, refresh_token: `${rt}\n` }),
    'a refresh token that lost a byte to decoding': Buffer.concat([
      Buffer.from(`{"access_token":"a","refresh_token":"${rt}`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]),
    'two refresh tokens and no hint': JSON.stringify({ a: { refresh_token: rt }, b: { refresh_token: 'other' } }),
    'an echo in an error': JSON.stringify({ error: 'invalid_grant', refresh_token: rt }),
    'a number as refresh token': '{"access_token":"a","refresh_token":12345678}',
    'open brackets': '['.repeat(200_000),
    'open objects': '{"a":'.repeat(50_000),
    'mentions without end': '"refresh_token":"\\'.repeat(14_000),
    'mentions of nothing': '"refresh_token":'.repeat(16_000),
    backslashes: `{"x":"${'\\'.repeat(250_000)}`,
    noise: Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 7919) % 256)),
  }
  return framings.flatMap((framing) =>
    Object.entries(none).map(([what, body]) => ({ what: `${what}, ${framing}`, bytes: response(body, { framing }) })),
  )
}

/** More than is read, the refresh token within what is read or behind it. */
function oversized(): readonly Malformed[] {
  const tail = `,"junk":"${'x'.repeat(limit)}"}`
  const first = `{"access_token":"${at}","refresh_token":"${rt}"${tail}`
  const last = `{"junk":"${'x'.repeat(limit)}","access_token":"${at}","refresh_token":"${rt}"}`
  const form = `access_token=${at}&refresh_token=${rt}&junk=${'x'.repeat(limit)}`
  return framings.flatMap((framing) => [
    { what: `oversized, token first, ${framing}`, bytes: response(first, { framing }), refreshToken: rt },
    { what: `oversized form, ${framing}`, bytes: response(form, { framing }), refreshToken: rt },
    { what: `oversized, token last, ${framing}`, bytes: response(last, { framing }) },
  ])
}

/** The server never ends: what has come by the deadline counts. */
export function slowAnswers(): readonly Malformed[] {
  const body = Buffer.from(JSON.stringify(standard))
  const whole = response(body)
  const head = whole.indexOf(body)
  const from = wholeFrom(body.toString())
  const cuts = [0, 5, head - 1, head, head + 20, head + from - 1, head + from, whole.length - 1]
  return cuts.flatMap((length) =>
    (['hold', 'drip'] as const).map((ending) => ({
      what: `slow: ${ending} after ${length} bytes`,
      bytes: whole.subarray(0, length),
      ending,
      // What drips in may close the text of a token that was not whole.
      ...(length >= head + from ? { refreshToken: rt } : {}),
    })),
  )
}

/** Answers that come to their end. */
export function quickAnswers(): readonly Malformed[] {
  return [
    ...truncations(),
    ...headTruncations(),
    ...damaged(),
    ...statuses(),
    ...heads(),
    ...parsers(),
    ...others(),
    ...oversized(),
    ...packedAnswers(),
  ]
}
