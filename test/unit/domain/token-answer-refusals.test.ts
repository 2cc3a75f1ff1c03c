import { describe, expect, it, test } from 'vitest'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import { aProvider, noon } from '../../support/builders.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { anAnswer, type Wire } from './token-answer-fixtures.ts'
import { refusals } from './token-answer-refused.ts'

const context = { provider: aProvider(), startedAt: noon, scopes: [] }

/** Of descriptions in the table: what is compared is not shown either. */
const serverWords = /unprintable|maximum allowed|stale token|session not active|unknown or invalid/i

function refusalOf(wire: Wire) {
  const reading = readTokenAnswer(anAnswer(wire), context)
  if (reading.kind !== 'refused') throw new Error('the answer was taken for an issue of tokens')
  observeOutput('failure', JSON.stringify(reading.failure))
  return reading
}

describe('readTokenAnswer refuses', () => {
  test.each(Object.entries(refusals))('%s', (_name, { wire, code, says, retryAfterSeconds }) => {
    const { failure, refreshToken } = refusalOf(wire)
    expect(failure.code).toBe(code)
    expect(failure.message).toContain(`The token endpoint of OAuthProvider ci/gateway answered with `)
    expect(failure.message).toContain(`${says}`)
    expect(failure.message).not.toMatch(serverWords)
    expect(failure.retryAfterSeconds).toBe(retryAfterSeconds)
    expect(refreshToken).toBeUndefined()
  })

  it('names a cluster-scoped provider by its kind and name', () => {
    const { namespace: _, ...rest } = aProvider({ kind: 'ClusterOAuthProvider', name: 'shared' })
    const reading = readTokenAnswer(anAnswer({ status: 500, body: '' }), { ...context, provider: rest })
    expect(reading).toMatchObject({
      failure: { message: expect.stringContaining('ClusterOAuthProvider shared') as string },
    })
  })
})

describe('Retry-After', () => {
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
  const table: Readonly<Record<string, { retryAfter: string; date?: string; expected: number | undefined }>> = {
    'is a number of seconds': { retryAfter: '90', expected: 90 },
    'is raised to a second': { retryAfter: '0', expected: 1 },
    'is cut to an hour': { retryAfter: '86400', expected: 3600 },
    'is a date that counts from the server clock': { retryAfter: 'Sun, 06 Nov 1994 08:50:37 GMT', date, expected: 60 },
    'is a date that has passed': { retryAfter: 'Sun, 06 Nov 1994 08:00:00 GMT', date, expected: 1 },
    'is a date without a server clock': { retryAfter: 'Fri, 15 Jan 2027 08:02:00 GMT', expected: 120 },
    'is a date beside a server clock that cannot be read': {
      retryAfter: 'Fri, 15 Jan 2027 08:02:00 GMT',
      date: 'soon',
      expected: 120,
    },
    'is a word': { retryAfter: 'later', expected: undefined },
    'is negative': { retryAfter: '-5', expected: undefined },
    'is empty': { retryAfter: '', expected: undefined },
  }
  test.each(Object.entries(table))('%s', (_name, { expected, ...headers }) => {
    expect(refusalOf({ status: 429, body: '', ...headers }).failure.retryAfterSeconds).toBe(expected)
  })

  it('never shortens the wait that an error is known to need', () => {
    const body = { error: 'invalid_grant', error_codes: [50196] }
    expect(refusalOf({ status: 400, retryAfter: '5', body }).failure.retryAfterSeconds).toBe(600)
  })

  it('is left out of failures that do not wait', () => {
    const { failure } = refusalOf({ status: 400, retryAfter: '5', body: { error: 'invalid_grant' } })
    expect(failure).not.toHaveProperty('retryAfterSeconds')
  })
})

describe('a refresh token in an answer that is refused', () => {
  const token = canary('rt')
  const kept: Readonly<Record<string, Wire>> = {
    'without an access token': { body: { refresh_token: token, token_type: 'Bearer' } },
    'with an access token of the wrong type': { body: { access_token: { value: 'x' }, refresh_token: token } },
    'behind a guard against script inclusion': { body: `)]}',\n{"access_token":"a","refresh_token":"${token}"}` },
    'inside an array': { body: [{ access_token: 'a', refresh_token: token }] },
    'before a syntax error': { body: `{"access_token":"a","refresh_token":"${token}","scope":read}` },
    'beside an access token and an error': {
      body: { access_token: 'a', refresh_token: token, error: 'invalid_scope' },
    },
    'beside an access token under a wrong status': { status: 400, body: { access_token: 'a', refresh_token: token } },
    'behind a syntax error': { body: `{"access_token":"a",,"refresh_token":"${token}"}` },
    'in a second object': { body: `{"access_token":"a"}{"refresh_token" : "${token}"}` },
    'behind an object that ended early': { body: `{"access_token":"a"}"x":1,"refresh_token":"${token}"}` },
    'on a page': { body: `<pre>{"access_token":"a","refresh_token":"${token}"}</pre>` },
    'deep down': { body: { a: { b: { c: { refreshToken: token } } } } },
    'one level down': { body: { data: { refresh_token: token } } },
  }
  test.each(Object.entries(kept))('is kept %s', (_name, wire) => {
    const { failure, refreshToken } = refusalOf(wire)
    expect(failure.code).toBe('TOKEN_ANSWER_INCOMPLETE')
    expect(refreshToken?.reveal()).toBe(token)
  })

  const dropped: Readonly<Record<string, Wire>> = {
    'an echo of the request in an error': { status: 400, body: { error: 'invalid_grant', refresh_token: token } },
    'an echo of the request in an error with status 200': { body: { ok: false, refresh_token: token } },
    'an echo of the request in a gateway error': {
      status: 502,
      body: `grant_type=refresh_token&refresh_token=${token}`,
    },
    'two different ones a level down': { body: { a: { refresh_token: token }, b: { refresh_token: canary('rt') } } },
    'two different ones deep down': {
      body: { a: { b: { refresh_token: token } }, c: { d: { refreshToken: canary('rt') } } },
    },
    'an echo deep in an error': { body: { error: 'invalid_grant', request: { form: { refresh_token: token } } } },
    'one that lost a character to decoding': { body: { refresh_token: `${token}\ufffd` } },
    'one with a line break': { body: { refresh_token: `${token}\n` } },
    'half a surrogate pair': { body: `{"refresh_token":"${token}\\ud800"}` },
    'one of spaces': { body: { refresh_token: '   ' } },
  }
  test.each(Object.entries(dropped))('is not taken from %s', (_name, wire) => {
    expect(refusalOf(wire).refreshToken).toBeUndefined()
  })
})
