import { describe, expect, it, test } from 'vitest'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import { aProvider, inSeconds, noon } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'
import { anAnswer, type Wire } from './token-answer-fixtures.ts'

const at = canary('at')
const rt = canary('rt')
const idToken = canary('secret')
const context = { provider: aProvider(), startedAt: noon, scopes: ['asked:for'] }

/** The tokens of an answer with everything revealed, so that tables can compare them. */
function issuedBy(wire: Wire) {
  const reading = readTokenAnswer(anAnswer(wire), context)
  if (reading.kind !== 'issued') throw new Error(`refused: ${reading.failure.message}`)
  const { accessToken, refreshToken, refreshTokenExpiresAt } = reading.tokens
  return {
    at: accessToken.value.reveal(),
    rt: refreshToken?.reveal(),
    id: accessToken.idToken?.reveal(),
    type: accessToken.tokenType,
    issuedAt: accessToken.issuedAt,
    life: accessToken.expiresAt - noon,
    scopes: accessToken.scopes,
    rtLife: refreshTokenExpiresAt === undefined ? undefined : refreshTokenExpiresAt - noon,
  }
}

const plain = {
  at,
  rt,
  id: undefined,
  type: 'Bearer',
  issuedAt: noon,
  life: 3600,
  scopes: ['asked:for'],
  rtLife: undefined,
}
const standard = { access_token: at, token_type: 'Bearer', expires_in: 3600, refresh_token: rt }
const tenYears = 315_360_000

describe('readTokenAnswer takes the tokens', () => {
  const table: Readonly<Record<string, { wire: Wire; expected: Partial<ReturnType<typeof issuedBy>> }>> = {
    'of the standard answer': { wire: { body: standard }, expected: {} },
    'of any 2xx status': { wire: { status: 201, body: standard }, expected: {} },
    'under a wrong content type': { wire: { contentType: 'text/html', body: standard }, expected: {} },
    'behind a byte order mark': { wire: { body: `\ufeff${JSON.stringify(standard)}` }, expected: {} },
    'before junk': { wire: { body: `${JSON.stringify(standard)}\n<!-- served by 7 -->` }, expected: {} },
    'of an answer cut after its last brace': { wire: { complete: false, body: standard }, expected: {} },
    'of a form-encoded answer (GitHub)': {
      wire: {
        contentType: 'application/x-www-form-urlencoded',
        body: `access_token=${at}&expires_in=3600&refresh_token=${rt}&refresh_token_expires_in=60&scope=&token_type=bearer`,
      },
      expected: { type: 'bearer', rtLife: 60 },
    },
    'of a form with escapes': {
      wire: { body: `access_token=a%2Bb+c%3D&refresh_token=%E2%82%AC&expires_in=3600` },
      expected: { at: 'a+b c=', rt: '€' },
    },
    'wrapped in one object': { wire: { body: { status: 0, body: standard } }, expected: {} },
    'of Slack for a user': {
      wire: { body: { ok: true, authed_user: { id: 'U1', scope: 'chat:write,users:read', ...standard } } },
      expected: { scopes: ['chat:write', 'users:read'] },
    },
    'with a null error': { wire: { body: { ...standard, error: null } }, expected: {} },
    'with an empty error': { wire: { body: { ...standard, error: '' } }, expected: {} },
    'beside a status word that elsewhere is an error': {
      wire: { body: { ...standard, status: 'token_expired' } },
      expected: {},
    },
    'beside members that JavaScript objects have': {
      wire: { body: `{"__proto__":{"refresh_token":"x"},"constructor":1,${JSON.stringify(standard).slice(1)}` },
      expected: {},
    },
    'with escapes in the refresh token': {
      wire: { body: `{"access_token":"a\\/b","expires_in":3600,"refresh_token":"\\u0041\\"\\\\\\u00e9"}` },
      expected: { at: 'a/b', rt: 'A"\\é' },
    },
    'the last one when a member comes twice': {
      wire: { body: `{"refresh_token":"older",${JSON.stringify(standard).slice(1)}` },
      expected: {},
    },
    'and keeps the old refresh token when there is none': {
      wire: { body: { ...standard, refresh_token: undefined } },
      expected: { rt: undefined },
    },
    'and keeps the old refresh token when it is empty': {
      wire: { body: { ...standard, refresh_token: '' } },
      expected: { rt: undefined },
    },
    'and keeps the old refresh token when it is null': {
      wire: { body: { ...standard, refresh_token: null } },
      expected: { rt: undefined },
    },
    'and a refresh token from one level down': {
      wire: { body: { access_token: at, expires_in: 3600, refresh: { refresh_token: rt } } },
      expected: {},
    },
    'and an ID token': { wire: { body: { ...standard, id_token: idToken } }, expected: { id: idToken } },
  }
  test.each(Object.entries(table))('%s', (_name, { wire, expected }) => {
    expect(issuedBy(wire)).toEqual({ ...plain, ...expected })
  })
})

describe('the lifetime of an access token', () => {
  const table: Readonly<Record<string, { expires_in: unknown; life: number }>> = {
    'is a number': { expires_in: 300, life: 300 },
    'is a string': { expires_in: '300', life: 300 },
    'is a fraction': { expires_in: 299.5, life: 299.5 },
    'is missing': { expires_in: undefined, life: 2700 },
    'is null': { expires_in: null, life: 2700 },
    'is a word': { expires_in: 'soon', life: 2700 },
    'is an empty string': { expires_in: '', life: 2700 },
    'is an object': { expires_in: { seconds: 5 }, life: 2700 },
    'is a boolean': { expires_in: true, life: 2700 },
    'is zero': { expires_in: 0, life: 1 },
    'is negative': { expires_in: -5, life: 1 },
    'is absurd': { expires_in: 9e15, life: tenYears },
    'is more than a number can hold': { expires_in: '1e999', life: tenYears },
  }
  test.each(Object.entries(table))('%s', (_name, { expires_in, life }) => {
    expect(issuedBy({ body: { ...standard, expires_in } }).life).toBe(life)
  })

  it('counts from the start of the request', () => {
    const reading = readTokenAnswer(anAnswer({ body: standard }), { ...context, startedAt: inSeconds(-40) })
    expect(reading).toMatchObject({ tokens: { accessToken: { issuedAt: inSeconds(-40), expiresAt: inSeconds(3560) } } })
  })
})

describe('the lifetime of a refresh token', () => {
  const table: Readonly<Record<string, { member: Record<string, unknown>; life: number | undefined }>> = {
    'refresh_token_expires_in (GitHub)': { member: { refresh_token_expires_in: 15_811_200 }, life: 15_811_200 },
    'refresh_expires_in (Keycloak)': { member: { refresh_expires_in: 1800 }, life: 1800 },
    refreshTokenExpiresIn: { member: { refreshTokenExpiresIn: '1800' }, life: 1800 },
    'x_refresh_token_expires_in (QuickBooks)': { member: { x_refresh_token_expires_in: 8_726_400 }, life: 8_726_400 },
    'zero: it does not expire (Keycloak offline)': { member: { refresh_expires_in: 0 }, life: undefined },
    absurd: { member: { refresh_token_expires_in: 1e18 }, life: tenYears },
    'a word': { member: { refresh_token_expires_in: 'never' }, life: undefined },
  }
  test.each(Object.entries(table))('%s', (_name, { member, life }) => {
    expect(issuedBy({ body: { ...standard, ...member } }).rtLife).toBe(life)
  })
})

describe('scopes and token type', () => {
  const table: Readonly<
    Record<string, { member: Record<string, unknown>; expected: Partial<ReturnType<typeof issuedBy>> }>
  > = {
    'scopes as a string': { member: { scope: 'read  write' }, expected: { scopes: ['read', 'write'] } },
    'scopes with commas': { member: { scope: 'repo,gist' }, expected: { scopes: ['repo', 'gist'] } },
    'scopes as an array': { member: { scope: ['read', 3, '', 'write'] }, expected: { scopes: ['read', 'write'] } },
    'an empty scope: those asked for': { member: { scope: '' }, expected: { scopes: ['asked:for'] } },
    'scopes of a wrong type': { member: { scope: { read: true } }, expected: { scopes: ['asked:for'] } },
    'the token type as on the wire': { member: { token_type: 'DPoP' }, expected: { type: 'DPoP' } },
    'no token type': { member: { token_type: undefined }, expected: { type: 'Bearer' } },
    'an empty token type': { member: { token_type: '' }, expected: { type: 'Bearer' } },
    'a token type that would break a header': {
      member: { token_type: 'Bearer\r\nX: y' },
      expected: { type: 'Bearer' },
    },
    'a token type of a wrong type': { member: { token_type: ['Bearer'] }, expected: { type: 'Bearer' } },
  }
  test.each(Object.entries(table))('%s', (_name, { member, expected }) => {
    expect(issuedBy({ body: { ...standard, ...member } })).toEqual({ ...plain, ...expected })
  })
})
