import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readLenientJson, type JsonValue } from '../../../src/domain/token-answer-json.ts'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import { aProvider, noon } from '../../support/builders.ts'
import { anAnswer } from './token-answer-fixtures.ts'

const context = { provider: aProvider(), startedAt: noon, scopes: [] }

/** Maps back to what `JSON.parse` makes. */
function plain(value: JsonValue | undefined): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [key, plain(member as JsonValue)]))
  return Array.isArray(value) ? value.map((item: JsonValue) => plain(item)) : value
}

const members = [
  'access_token',
  'refresh_token',
  'expires_in',
  'token_type',
  'scope',
  'error',
  'ok',
  'error_codes',
  'status',
  '__proto__',
]
const anyObject = fc.dictionary(fc.oneof(fc.constantFrom(...members), fc.string()), fc.jsonValue(), { maxKeys: 8 })
const status = fc.oneof(fc.constantFrom(200, 400, 401, 429, 503), fc.integer({ min: 100, max: 599 }))

/** Text near the border of what can be read: valid, cut, damaged in one place, or noise. */
const anyBody = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0dn=&%<'.split('')), maxLength: 60 }),
  anyObject.map((value) => JSON.stringify(value)),
  fc.tuple(anyObject, fc.nat()).map(([value, at]) => JSON.stringify(value).slice(0, at % 200)),
  fc.tuple(anyObject, fc.nat(), fc.string({ maxLength: 3 })).map(([value, at, noise]) => {
    const text = JSON.stringify(value)
    const place = at % (text.length + 1)
    return text.slice(0, place) + noise + text.slice(place + 1)
  }),
)

describe('readTokenAnswer', () => {
  test('never throws, and stays within its bounds', () => {
    fc.assert(
      fc.property(anyBody, status, fc.boolean(), fc.option(fc.string()), (body, code, complete, retryAfter) => {
        const wire = { body, status: code, complete, ...(retryAfter !== null && { retryAfter }) }
        const reading = readTokenAnswer(anAnswer(wire), context)
        if (reading.kind === 'issued') {
          const { accessToken } = reading.tokens
          expect(accessToken.value.reveal()).not.toBe('')
          expect(accessToken.expiresAt).toBeGreaterThanOrEqual(noon + 1)
          expect(accessToken.expiresAt).toBeLessThanOrEqual(noon + 315_360_000)
        } else {
          expect(reading.failure.message).toMatch(
            /^The token endpoint of OAuthProvider ci\/gateway answered with HTTP status \d{3} /,
          )
          const wait = reading.failure.retryAfterSeconds ?? 1
          expect(wait >= 1 && wait <= 3600).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })

  const pointer = fc.option(
    fc.oneof(fc.constantFrom('', '/', '/access_token', '/a/0/b', '/__proto__', '/error', '~', '/~2'), fc.string()),
    { nil: undefined },
  )
  const response = fc.record({
    accessToken: pointer,
    refreshToken: pointer,
    expiresIn: pointer,
    refreshTokenExpiresIn: pointer,
    error: pointer,
    success: fc.option(fc.record({ pointer: fc.string(), value: fc.oneof(fc.string(), fc.boolean(), fc.integer()) })),
    errors: fc.array(fc.record({ code: fc.string(), meaning: fc.constantFrom('Throttled', 'Unavailable') })),
  })
  test('never throws, whatever the manifest says', () => {
    fc.assert(
      fc.property(anyBody, status, fc.boolean(), response, (body, code, complete, { success, ...form }) => {
        const given = Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined))
        const provider = aProvider({ response: { errors: [], ...given, ...(success && { success }) } })
        const reading = readTokenAnswer(anAnswer({ body, status: code, complete }), { ...context, provider })
        if (reading.kind === 'refused') expect(reading.failure.message).toMatch(/\.$/)
        else expect(reading.tokens.accessToken.value.reveal()).not.toBe('')
      }),
      { numRuns: 2000 },
    )
  })

  const kibibytes = 256 * 1024
  const hostile: Readonly<Record<string, string>> = {
    'open brackets': '['.repeat(kibibytes),
    'open objects': '{"a":'.repeat(kibibytes / 5),
    backslashes: `{"refresh_token":"${'\\\\'.repeat(kibibytes / 2)}`,
    escapes: `{"refresh_token":"${'\\u0041'.repeat(kibibytes / 6)}`,
    'tiny members': `{${'"":0,'.repeat(kibibytes / 5)}`,
    'tiny objects': `{${'"":{},'.repeat(kibibytes / 6)}`,
    'a form of ampersands': `a=${'&'.repeat(kibibytes)}`,
    'a form of percent signs': `a=${'%41'.repeat(kibibytes / 3)}`,
    space: ' '.repeat(kibibytes),
    'a scope of spaces': JSON.stringify({ access_token: 'a', scope: ' '.repeat(kibibytes) }),
    digits: `{"expires_in":${'9'.repeat(kibibytes)}`,
  }
  test.each(Object.entries(hostile))('is done with 256 KiB of %s in no time', (_name, body) => {
    const begun = process.cpuUsage()
    readTokenAnswer(anAnswer({ body }), context)
    const { user, system } = process.cpuUsage(begun)
    // Microseconds of this process, so that a busy machine changes nothing. A quadratic reader would need minutes.
    expect(user + system).toBeLessThan(1_000_000)
  })
})

describe('readLenientJson', () => {
  test('reads what JSON.parse reads, and the same', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.nat({ max: 3 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const { value: read, ending } = readLenientJson(text)
        expect(ending).toBe('whole')
        expect(plain(read)).toEqual(JSON.parse(text))
      }),
      { numRuns: 1000 },
    )
  })

  test('calls text whole only if JSON.parse takes it, but for what stands behind the value', () => {
    fc.assert(
      fc.property(anyObject, fc.nat(), (value, at) => {
        const text = JSON.stringify(value)
        const cut = text.slice(0, at % text.length)
        expect(readLenientJson(cut).ending).toBe('cut')
      }),
      { numRuns: 1000 },
    )
  })
})
