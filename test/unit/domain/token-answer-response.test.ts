import { describe, expect, it, test } from 'vitest'
import type { ErrorClass, ResponseForm } from '../../../src/domain/provider.ts'
import type { FailureCode } from '../../../src/domain/failures.ts'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import { aProvider, noon } from '../../support/builders.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { anAnswer, type Wire } from './token-answer-fixtures.ts'

const at = canary('at')
const rt = canary('rt')
const other = canary('rt')

function read(wire: Wire, response: Partial<ResponseForm>) {
  const provider = aProvider({ response: { errors: [], ...response } })
  const reading = readTokenAnswer(anAnswer(wire), { provider, startedAt: noon, scopes: [] })
  if (reading.kind === 'refused') observeOutput('failure', JSON.stringify(reading.failure))
  return reading
}

/** Everything that pointers can change, revealed. */
function issuedBy(wire: Wire, response: Partial<ResponseForm>) {
  const reading = read(wire, response)
  if (reading.kind !== 'issued') throw new Error(`refused: ${reading.failure.message}`)
  const { accessToken, refreshToken, refreshTokenExpiresAt } = reading.tokens
  return {
    at: accessToken.value.reveal(),
    rt: refreshToken?.reveal(),
    life: accessToken.expiresAt - noon,
    rtLife: refreshTokenExpiresAt === undefined ? undefined : refreshTokenExpiresAt - noon,
  }
}

describe('pointers of the manifest', () => {
  const table: Readonly<
    Record<string, { body: unknown; response: Partial<ResponseForm>; expected: Partial<ReturnType<typeof issuedBy>> }>
  > = {
    'lead to every member, however deep': {
      body: { r: [{ tokens: { a: at, r: rt, life: { s: '60' }, rlife: 120 } }] },
      response: {
        accessToken: '/r/0/tokens/a',
        refreshToken: '/r/0/tokens/r',
        expiresIn: '/r/0/tokens/life/s',
        refreshTokenExpiresIn: '/r/0/tokens/rlife',
      },
      expected: { life: 60, rtLife: 120 },
    },
    'win over the names of the RFC': {
      body: { access_token: canary('at'), refresh_token: other, expires_in: 9, user: { at, rt, exp: 60 } },
      response: { accessToken: '/user/at', refreshToken: '/user/rt', expiresIn: '/user/exp' },
      expected: { life: 60 },
    },
    'choose between two objects with tokens': {
      body: {
        bot: { access_token: canary('at'), refresh_token: other },
        user: { access_token: at, refresh_token: rt },
      },
      response: { accessToken: '/user/access_token' },
      expected: {},
    },
    'make what stands beside the access token belong to it': {
      body: { refresh_token: other, data: { inner: { at, refresh_token: rt, expires_in: 60, refresh_expires_in: 7 } } },
      response: { accessToken: '/data/inner/at' },
      expected: { life: 60, rtLife: 7 },
    },
    'that lead to nothing hide nothing': {
      body: { access_token: at, refresh_token: rt, expires_in: 60 },
      response: {
        accessToken: '/data/access_token',
        refreshToken: '/data/refresh_token',
        expiresIn: '/data/expires_in',
      },
      expected: { life: 60 },
    },
    'that lead to something else than a token hide nothing': {
      body: { access_token: at, refresh_token: rt, data: { access_token: 5, refresh_token: {} } },
      response: { accessToken: '/data/access_token', refreshToken: '/data/refresh_token' },
      expected: {},
    },
    'work on form-encoded answers': {
      body: `oauth_at=${at}&oauth_rt=${rt}&life=60`,
      response: { accessToken: '/oauth_at', refreshToken: '/oauth_rt', expiresIn: '/life' },
      expected: { life: 60 },
    },
  }
  test.each(Object.entries(table))('%s', (_name, { body, response, expected }) => {
    expect(issuedBy({ body }, response)).toEqual({ at, rt, life: 2700, rtLife: undefined, ...expected })
  })

  it('find the refresh token in an answer that stops after any of its bytes', () => {
    const body = JSON.stringify({ data: { list: [{ renew: rt, access: at }] }, ok: 1 })
    const response = { accessToken: '/data/list/0/access', refreshToken: '/data/list/0/renew' }
    const whole = body.indexOf(rt) + rt.length + 1
    for (let length = 0; length < body.length; length++) {
      const reading = read({ body: body.slice(0, length), complete: false }, response)
      if (reading.kind === 'issued') throw new Error(`taken for whole after ${length} bytes`)
      expect(reading.refreshToken?.reveal(), `after ${length} bytes`).toBe(length < whole ? undefined : rt)
    }
  })

  it('keep the refresh token of an answer that has no access token where the manifest says', () => {
    const reading = read({ body: { data: { deep: { renew: rt } } } }, { refreshToken: '/data/deep/renew' })
    expect(reading).toMatchObject({ kind: 'refused', failure: { code: 'TOKEN_ANSWER_INCOMPLETE' } })
    expect(reading.kind === 'refused' && reading.refreshToken?.reveal()).toBe(rt)
  })
})

describe('the test of success', () => {
  const success = { pointer: '/meta/code', value: 0 }
  const tokens = { access_token: at, refresh_token: rt }

  const passed: Readonly<Record<string, { body: unknown; response: Partial<ResponseForm> }>> = {
    'a number as it is': { body: { meta: { code: 0 }, ...tokens }, response: { success } },
    'a number that came as text': { body: { meta: { code: '0' }, ...tokens }, response: { success } },
    'a truth value': { body: { done: true, ...tokens }, response: { success: { pointer: '/done', value: true } } },
    'a word': { body: { state: 'OK', ...tokens }, response: { success: { pointer: '/state', value: 'OK' } } },
    'a code that elsewhere would be an error': {
      body: { code: 200, ...tokens },
      response: { success: { pointer: '/code', value: 200 }, error: '/code' },
    },
  }
  test.each(Object.entries(passed))('is passed by %s', (_name, { body, response }) => {
    expect(issuedBy({ body }, response)).toMatchObject({ at, rt })
  })

  const failed: Readonly<Record<string, unknown>> = {
    'another value': { meta: { code: 7 }, ...tokens },
    'an object in its place': { meta: { code: { value: 0 } }, ...tokens },
    'no value at all': tokens,
  }
  test.each(Object.entries(failed))(
    'is failed by %s, and the refresh token beside an access token kept',
    (_name, body) => {
      const reading = read({ body }, { success })
      expect(reading).toMatchObject({ kind: 'refused', failure: { code: 'TOKEN_ANSWER_INCOMPLETE' } })
      expect(reading.kind === 'refused' && reading.refreshToken?.reveal()).toBe(rt)
    },
  )

  it('failed, makes a lone refresh token an echo', () => {
    const reading = read({ body: { meta: { code: 7 }, refresh_token: rt } }, { success })
    expect(reading).toMatchObject({ failure: { code: 'REQUEST_REJECTED' } })
    expect(reading).not.toHaveProperty('refreshToken')
  })

  it('does not fail an answer that stopped before it', () => {
    const body = `{"refresh_token":"${rt}","meta":{"co`
    const reading = read({ body, complete: false }, { success })
    expect(reading.kind === 'refused' && reading.refreshToken?.reveal()).toBe(rt)
  })
})

describe('the rules of the manifest', () => {
  const classes: Readonly<Record<ErrorClass, FailureCode>> = {
    RefreshTokenRejected: 'REFRESH_TOKEN_REJECTED',
    RefreshTokenReused: 'REFRESH_TOKEN_REUSED',
    InteractionRequired: 'INTERACTION_REQUIRED',
    ClientRejected: 'CLIENT_REJECTED',
    ScopeRejected: 'SCOPE_REJECTED',
    RequestRejected: 'REQUEST_REJECTED',
    Throttled: 'TOKEN_ENDPOINT_THROTTLED',
    Unavailable: 'TOKEN_ENDPOINT_UNAVAILABLE',
  }
  test.each(Object.entries(classes))('%s', (meaning, code) => {
    const errors = [{ code: 'E-17', meaning: meaning as ErrorClass }]
    expect(read({ status: 400, body: { error: 'e-17' } }, { errors })).toMatchObject({ failure: { code } })
  })

  const table: Readonly<Record<string, { wire: Wire; response: Partial<ResponseForm>; code: FailureCode }>> = {
    'the first that fits decides': {
      wire: { status: 400, body: { error: 'invalid_grant' } },
      response: {
        errors: [
          { code: 'invalid_grant', status: 403, meaning: 'RefreshTokenReused' },
          { code: 'INVALID_GRANT', meaning: 'Throttled' },
          { status: 400, meaning: 'ClientRejected' },
        ],
      },
      code: 'TOKEN_ENDPOINT_THROTTLED',
    },
    'a rule goes before what is known of the code': {
      wire: { status: 400, body: { error: 'invalid_grant' } },
      response: { errors: [{ code: 'invalid_grant', meaning: 'Unavailable' }] },
      code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    },
    'a rule goes before what the status says': {
      wire: { status: 503, body: { error: 'dead_token' } },
      response: { errors: [{ code: 'dead_token', status: 503, meaning: 'RefreshTokenRejected' }] },
      code: 'REFRESH_TOKEN_REJECTED',
    },
    'a status alone is enough': {
      wire: { status: 418, body: 'teapot' },
      response: { errors: [{ status: 418, meaning: 'Throttled' }] },
      code: 'TOKEN_ENDPOINT_THROTTLED',
    },
    'both have to fit': {
      wire: { status: 400, body: { error: 'E1' } },
      response: { errors: [{ code: 'E1', status: 401, meaning: 'RefreshTokenRejected' }] },
      code: 'REQUEST_REJECTED',
    },
    'the error pointer finds the code': {
      wire: { status: 400, body: { fault: { detail: [{ id: 'E1' }] } } },
      response: { error: '/fault/detail/0/id', errors: [{ code: 'E1', meaning: 'RefreshTokenRejected' }] },
      code: 'REFRESH_TOKEN_REJECTED',
    },
    'a code that is a number': {
      wire: { body: { status: 601, body: {} } },
      response: { error: '/status', errors: [{ code: '601', meaning: 'Throttled' }] },
      code: 'TOKEN_ENDPOINT_THROTTLED',
    },
    'the number of an AADSTS error': {
      wire: { status: 400, body: { error: 'invalid_grant', error_codes: [70043] } },
      response: { errors: [{ code: '70043', meaning: 'InteractionRequired' }] },
      code: 'INTERACTION_REQUIRED',
    },
    'a subcode': {
      wire: { status: 400, body: { error: 'invalid_grant', suberror: 'token_expired' } },
      response: { errors: [{ code: 'token_expired', meaning: 'InteractionRequired' }] },
      code: 'INTERACTION_REQUIRED',
    },
    'an error pointer to a known code': {
      wire: { body: { result: 'invalid_grant' } },
      response: { error: '/result' },
      code: 'REFRESH_TOKEN_REJECTED',
    },
    'an error pointer to a code that nobody knows': {
      wire: { body: { result: 'E9' } },
      response: { error: '/result' },
      code: 'REQUEST_REJECTED',
    },
    'an error pointer to nothing leaves the RFC its say': {
      wire: { status: 401, body: { error: 'invalid_client' } },
      response: { error: '/result/code' },
      code: 'CLIENT_REJECTED',
    },
  }
  test.each(Object.entries(table))('%s', (_name, { wire, response, code }) => {
    expect(read(wire, response)).toMatchObject({ kind: 'refused', failure: { code } })
  })

  it('say nothing of an answer that brings tokens', () => {
    const errors = [{ status: 200, meaning: 'RequestRejected' }] as const
    expect(issuedBy({ body: { access_token: at, refresh_token: rt } }, { errors })).toMatchObject({ at, rt })
  })

  it('let no refresh token be lost', () => {
    const errors = [{ code: 'odd', meaning: 'RefreshTokenRejected' }] as const
    const reading = read({ body: { access_token: at, refresh_token: rt, error: 'odd' } }, { errors })
    expect(reading).toMatchObject({ failure: { code: 'TOKEN_ANSWER_INCOMPLETE' } })
    expect(reading.kind === 'refused' && reading.refreshToken?.reveal()).toBe(rt)
  })

  it('name a code in the message that the manifest names, and no other', () => {
    const errors = [{ code: 'E-17', meaning: 'Throttled' }] as const
    const known = read({ status: 400, body: { error: 'E-17' } }, { errors })
    expect(known).toMatchObject({ failure: { message: expect.stringContaining('the error code e-17') as string } })
    const unknown = read({ status: 400, body: { error: 'E-18' } }, { errors })
    expect(unknown).toMatchObject({ failure: { message: expect.stringContaining('an unknown error code') as string } })
  })
})
