import { describe, expect, it } from 'vitest'
import { findAccessToken } from '../../../src/domain/token-document-access.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { endOfTime } from '../../../src/domain/time.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const at = canary('at')
const rt = canary('rt')

const found: Readonly<Record<string, readonly [document: unknown, property?: string]>> = {
  'a bare token': [at],
  'a bare token and a line break': [`${at}\n`],
  access_token: [{ access_token: at }],
  accessToken: [{ accessToken: at, other: 1 }],
  'an access token beside a refresh token': [{ access_token: at, refresh_token: rt }],
  'access beside refresh': [{ type: 'oauth', access: at, refresh: rt }],
  token: [{ token: at }],
  'an access token beside a token of another kind': [{ token: 'other', access_token: at }],
  'the login of Claude Code': [{ claudeAiOauth: { accessToken: at }, mcpOAuth: { a: { accessToken: 'other' } } }],
  'a file in a document': [{ 'credentials.json': JSON.stringify({ tokens: { access_token: at } }) }],
  'where a property points': [{ a: [{ CLAUDE_CODE_OAUTH_TOKEN: at }] }, '/a/0/CLAUDE_CODE_OAUTH_TOKEN'],
  'a shape where a property points': [{ one: { token: at }, two: { token: 'other' } }, '/one'],
}

const refused: Readonly<Record<string, readonly [document: unknown, property: string | undefined, problem: RegExp]>> = {
  'an empty document': ['', undefined, /^missing: is empty$/],
  'an empty object': [{}, undefined, /^missing: is an empty object$/],
  'nothing that is known': [
    { password: at },
    undefined,
    /^malformed: has no access token where a known shape has one$/,
  ],
  'two that it could be': [
    { a: { token: at }, b: { token: at } },
    undefined,
    /^malformed: has an access token at \/a\/token and/,
  ],
  'a refresh token by its name': [{ refresh_token: rt }, '/refresh_token', /^malformed: has a refresh token there/],
  'a refresh token in another spelling': [{ a: { refreshToken: rt } }, '/a/refreshToken', /refresh token there/],
  'a refresh token by its place': [{ access: at, refresh: rt }, '/refresh', /refresh token there/],
  'a copy of the refresh token': [{ refresh_token: rt, copy: rt }, '/copy', /refresh token there/],
  'the key of a claim': [{ token: at, _oauthop: { key: canary('secret') } }, '/_oauthop/key', /^missing: has nothing/],
  'several words': [{ token: `${at} ${at}` }, undefined, /^malformed: has a text there that is no single token$/],
  'a number': [{ token: 5 }, undefined, /^malformed: has no string at \/token$/],
}

function textOf(document: unknown): Sensitive {
  return new Sensitive(typeof document === 'string' ? document : JSON.stringify(document))
}

describe('an access token in a document', () => {
  it.each(Object.entries(found))('is found as %s', (_, [document, property]) => {
    const result = findAccessToken(textOf(document), property)
    expect(result.ok && result.accessToken.value.reveal()).toBe(at)
  })

  it.each(Object.entries(refused))('is not found in %s', (_, [document, property, problem]) => {
    const result = findAccessToken(textOf(document), property)
    if (result.ok) expect.fail('no token was to be found')
    observeOutput('detail', result.detail)
    expect(`${result.problem}: ${result.detail}`).toMatch(problem)
  })
})

const jwt = `e30.${Buffer.from(JSON.stringify({ exp: 1_800_000_000, sub: canary('at') })).toString('base64url')}.c2ln`

const expiries: Readonly<Record<string, readonly [fields: object, expiresAt: number]>> = {
  'nothing is said': [{}, endOfTime],
  'it is said in seconds': [{ expires_at: 1_800_000_000 }, 1_800_000_000],
  'it is said in milliseconds': [{ expiresAt: 1_800_000_000_500 }, 1_800_000_000.5],
  'it is said in text': [{ expires_at: '1800000000' }, 1_800_000_000],
  'it is said as a time': [{ expiry: '2027-01-15T08:00:00Z' }, 1_800_000_000],
  'it is said as a time elsewhere': [{ expiry: '2027-01-15T10:30:00.25+02:30' }, 1_800_000_000],
  'it is said as a time without an offset': [{ expires: '2027-01-15 08:00:00' }, 1_800_000_000],
  'it is said of its creation': [{ created_at: 1_799_996_400_000, expires_in: 3600 }, 1_800_000_000],
  'a length alone is said': [{ expires_in: 3600 }, endOfTime],
  'zero is said': [{ expires_at: 0 }, endOfTime],
  'words are said': [{ expires_at: 'never' }, endOfTime],
  'the token itself says it': [{ access_token: jwt }, 1_800_000_000],
  'the token ends first': [{ access_token: jwt, expires_at: 1_900_000_000 }, 1_800_000_000],
  'the document ends first': [{ access_token: jwt, expires_at: 1_700_000_000 }, 1_700_000_000],
}

describe('the expiry of an access token', () => {
  it.each(Object.entries(expiries))('when %s', (_, [fields, expiresAt]) => {
    const result = findAccessToken(textOf({ access_token: at, ...fields }))
    expect(result.ok && result.accessToken.expiresAt).toBe(expiresAt)
  })

  it('comes with the type and the scopes', () => {
    const result = findAccessToken(textOf({ access_token: at, token_type: 'DPoP', scope: 'a b' }))
    expect(result.ok && result.accessToken).toMatchObject({ tokenType: 'DPoP', scopes: ['a', 'b'] })
    const list = findAccessToken(textOf({ accessToken: at, scopes: ['a', 'b'], token_type: 'no\r\ntype' }))
    expect(list.ok && list.accessToken).toMatchObject({ tokenType: 'Bearer', scopes: ['a', 'b'] })
  })
})
