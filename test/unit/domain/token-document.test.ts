import { describe, expect, test } from 'vitest'
import { canary, observeOutput } from '../../support/canary.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { findRefreshToken, replaceTokens } from '../../../src/domain/token-document.ts'
import type { IssuedTokens } from '../../../src/domain/tokens.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'

const oldRefresh = canary('rt')
const newRefresh = canary('rt')
const oldAccess = canary('at')
const newAccess = canary('at')
const newId = canary('secret')

/** 2026-11-20T12:00:00Z */
const issuedAt = 1_795_176_000
const expiresAt = issuedAt + 3600

function issued(overrides: Partial<IssuedTokens> = {}): IssuedTokens {
  return {
    accessToken: {
      value: new Sensitive(newAccess),
      tokenType: 'Bearer',
      issuedAt: epochSeconds(issuedAt + 0.25),
      expiresAt: epochSeconds(expiresAt + 0.25),
      scopes: ['user:inference', 'user:profile'],
      idToken: new Sensitive(newId),
    },
    refreshToken: new Sensitive(newRefresh),
    ...overrides,
  }
}

function find(text: string, property?: string): string {
  const found = findRefreshToken(new Sensitive(text), property)
  if (found.ok) return found.refreshToken.reveal()
  observeOutput('a problem with a token document', found.detail)
  return `${found.problem}: ${found.detail}`
}

function replace(text: string, property?: string, tokens: Parameters<typeof replaceTokens>[2] = issued()): string {
  return replaceTokens(new Sensitive(text), property, tokens).reveal()
}

interface Shape {
  readonly before: string
  readonly after: string
  readonly property?: string
}

const shapes: Record<string, Shape> = {
  'the bare token': { before: oldRefresh, after: newRefresh },
  'the bare token with a newline that stays': { before: `${oldRefresh}\n`, after: `${newRefresh}\n` },
  'the bare token with blanks around it': { before: ` \t${oldRefresh}\r\n`, after: ` \t${newRefresh}\r\n` },
  'a token in JSON quotes': { before: `"${oldRefresh}"\n`, after: `"${newRefresh}"\n` },
  'a token endpoint answer (RFC 6749 §5.1)': {
    before: `{"access_token":"${oldAccess}","token_type":"bearer","expires_in":300,"refresh_token":"${oldRefresh}","example_parameter":"x","id_token":"old"}`,
    after: `{"access_token":"${newAccess}","token_type":"bearer","expires_in":3600,"refresh_token":"${newRefresh}","example_parameter":"x","id_token":"${newId}"}`,
  },
  "VibeKit's token file": {
    before: `{\n  "access_token": "${oldAccess}",\n  "token_type": "Bearer",\n  "expires_in": 28800,\n  "refresh_token": "${oldRefresh}",\n  "scope": "user:inference",\n  "created_at": 1763600000000\n}\n`,
    after: `{\n  "access_token": "${newAccess}",\n  "token_type": "Bearer",\n  "expires_in": 3600,\n  "refresh_token": "${newRefresh}",\n  "scope": "user:inference user:profile",\n  "created_at": ${issuedAt}250\n}\n`,
  },
  "Claude Code's credentials, with logins at MCP servers beside": {
    before: `{"claudeAiOauth":{"accessToken":"${oldAccess}","refreshToken":"${oldRefresh}","expiresAt":1770371159956,"scopes":["user:inference"],"subscriptionType":"max"},"mcpOAuth":{"s|1":{"accessToken":"m","refreshToken":"n","expiresAt":0}},"organizationUuid":"u"}`,
    after: `{"claudeAiOauth":{"accessToken":"${newAccess}","refreshToken":"${newRefresh}","expiresAt":${expiresAt}250,"scopes":["user:inference","user:profile"],"subscriptionType":"max"},"mcpOAuth":{"s|1":{"accessToken":"m","refreshToken":"n","expiresAt":0}},"organizationUuid":"u"}`,
  },
  "LLxprt's provider file, expiry in seconds": {
    before: `{"access_token":"${oldAccess}","refresh_token":"${oldRefresh}","token_type":"Bearer","expiry":1763600000,"resource_url":"portal.qwen.ai"}`,
    after: `{"access_token":"${newAccess}","refresh_token":"${newRefresh}","token_type":"Bearer","expiry":${expiresAt},"resource_url":"portal.qwen.ai"}`,
  },
  "Gemini's and Qwen's file, expiry_date in milliseconds": {
    before: `{"access_token":"${oldAccess}","refresh_token":"${oldRefresh}","scope":"a","expiry_date":1763600000000}`,
    after: `{"access_token":"${newAccess}","refresh_token":"${newRefresh}","scope":"user:inference user:profile","expiry_date":${expiresAt}250}`,
  },
  "Codex's auth.json, with the time of issue beside the set": {
    before: `{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"id_token":"old","access_token":"${oldAccess}","refresh_token":"${oldRefresh}","account_id":"a"},"last_refresh":"2025-01-02T03:04:05.678901Z"}`,
    after: `{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"id_token":"${newId}","access_token":"${newAccess}","refresh_token":"${newRefresh}","account_id":"a"},"last_refresh":"2026-11-20T12:00:00.000000Z"}`,
  },
  "opencode's file with one login": {
    before: `{"anthropic":{"type":"oauth","refresh":"${oldRefresh}","access":"${oldAccess}","expires":1763600000000},"groq":{"type":"api","key":"k"}}`,
    after: `{"anthropic":{"type":"oauth","refresh":"${newRefresh}","access":"${newAccess}","expires":${expiresAt}250},"groq":{"type":"api","key":"k"}}`,
  },
  "Go's oauth2.Token, expiry as RFC 3339 with an offset": {
    before: `{"access_token":"${oldAccess}","token_type":"Bearer","refresh_token":"${oldRefresh}","expiry":"2025-01-02T03:04:05.123+02:00"}`,
    after: `{"access_token":"${newAccess}","token_type":"Bearer","refresh_token":"${newRefresh}","expiry":"2026-11-20T13:00:00.000Z"}`,
  },
  'a flat map of strings, as a Secret or a Vault path has it': {
    before: `{"refresh-token":"${oldRefresh}\\n","access-token":"${oldAccess}","expires-at":"1763600000","note":"\\u00e9\\/"}`,
    after: `{"refresh-token":"${newRefresh}\\n","access-token":"${newAccess}","expires-at":"${expiresAt}","note":"\\u00e9\\/"}`,
  },
  'environment style names': {
    before: `{"REFRESH_TOKEN":"${oldRefresh}","ACCESS_TOKEN":"${oldAccess}"}`,
    after: `{"REFRESH_TOKEN":"${newRefresh}","ACCESS_TOKEN":"${newAccess}"}`,
  },
  'a map whose value is a whole file, told by shape': {
    before: JSON.stringify({
      '.credentials.json': `{\n "claudeAiOauth": {"accessToken":"${oldAccess}","refreshToken":"${oldRefresh}"}\n}\n`,
    }),
    after: JSON.stringify({
      '.credentials.json': `{\n "claudeAiOauth": {"accessToken":"${newAccess}","refreshToken":"${newRefresh}"}\n}\n`,
    }),
  },
  'a whole file under the name of the token': {
    before: JSON.stringify({ refresh_token: `{"refresh_token":"${oldRefresh}"}` }),
    after: JSON.stringify({ refresh_token: `{"refresh_token":"${newRefresh}"}` }),
  },
  'escapes around a text in a text stay as they are written': {
    before: `{"f":"\\u007b\\"a\\":\\"\\u00e9\\\\n\\\\u0041\\",\\u0022refresh_token\\u0022:\\t\\"${oldRefresh}\\"}","z":"\\u00e9"}`,
    after: `{"f":"\\u007b\\"a\\":\\"\\u00e9\\\\n\\\\u0041\\",\\u0022refresh_token\\u0022:\\t\\"${newRefresh}\\"}","z":"\\u00e9"}`,
  },
  'a pointer to a plain value': {
    property: '/a~1b/0/rt~0',
    before: `{"a/b":[{"rt~":"${oldRefresh}","refresh_token":"other","access_token":"${oldAccess}"}]}`,
    after: `{"a/b":[{"rt~":"${newRefresh}","refresh_token":"other","access_token":"${newAccess}"}]}`,
  },
  'a pointer through JSON in a string': {
    property: '/file/tokens/refresh_token',
    before: JSON.stringify({ file: `{"tokens":{"refresh_token":"${oldRefresh}"}}`, other: `{"refresh_token":"x"}` }),
    after: JSON.stringify({ file: `{"tokens":{"refresh_token":"${newRefresh}"}}`, other: `{"refresh_token":"x"}` }),
  },
  'a pointer that ends at one of two known shapes': {
    property: '/b',
    before: `{"a":{"refresh_token":"x"},"b":{"refresh_token":"${oldRefresh}"}}`,
    after: `{"a":{"refresh_token":"x"},"b":{"refresh_token":"${newRefresh}"}}`,
  },
  'a pointer into an array': { property: '/1', before: `["a","${oldRefresh}"]`, after: `["a","${newRefresh}"]` },
  'a refresh token that stands where an access token would': {
    property: '/access_token',
    before: `{"access_token":"${oldRefresh}"}`,
    after: `{"access_token":"${newRefresh}"}`,
  },
  'numbers beyond 2^53, __proto__ and names that occur twice': {
    before: `{"n":12345678901234567890,"e":1.10e+2,"__proto__":{"x":1},"a":1,"a":2,"refresh_token":"${oldRefresh}"}`,
    after: `{"n":12345678901234567890,"e":1.10e+2,"__proto__":{"x":1},"a":1,"a":2,"refresh_token":"${newRefresh}"}`,
  },
  'a byte order mark': {
    before: `\uFEFF{"refresh_token":"${oldRefresh}"}`,
    after: `\uFEFF{"refresh_token":"${newRefresh}"}`,
  },
  'an access token that occurs twice': {
    before: `{"access_token":"${oldAccess}","access_token":"x","refresh_token":"${oldRefresh}"}`,
    after: `{"access_token":"${newAccess}","access_token":"${newAccess}","refresh_token":"${newRefresh}"}`,
  },
  'an indented list of scopes': {
    before: `{"refresh_token":"${oldRefresh}","access_token":"","scopes":[\n    "a"\n  ]}`,
    after: `{"refresh_token":"${newRefresh}","access_token":"${newAccess}","scopes":[\n    "user:inference",\n    "user:profile"\n  ]}`,
  },
  'scopes with commas': {
    before: `{"refresh_token":"${oldRefresh}","access_token":"x","scope":"a,b"}`,
    after: `{"refresh_token":"${newRefresh}","access_token":"${newAccess}","scope":"user:inference,user:profile"}`,
  },
  'an expiry without an access token, which is not known to be one of it': {
    before: `{"refresh_token":"${oldRefresh}","expires_at":1763600000,"access_token":null}`,
    after: `{"refresh_token":"${newRefresh}","expires_at":1763600000,"access_token":null}`,
  },
  'times of no known form': {
    before: `{"refresh_token":"${oldRefresh}","access_token":"x","expires_at":"tomorrow","expiry":null,"created_at":1763600000000000,"expires_in":"1h"}`,
    after: `{"refresh_token":"${newRefresh}","access_token":"${newAccess}","expires_at":"tomorrow","expiry":null,"created_at":1763600000000000,"expires_in":"1h"}`,
  },
  'a 0 is in the unit of its name': {
    before: `{"refresh_token":"${oldRefresh}","access_token":"x","expiresAt":0,"expires_at":0,"expiry_date":0}`,
    after: `{"refresh_token":"${newRefresh}","access_token":"${newAccess}","expiresAt":${expiresAt}250,"expires_at":${expiresAt},"expiry_date":${expiresAt}250}`,
  },
}

describe('a refresh token is found and replaced in', () => {
  test.for(Object.entries(shapes))('%s', ([, { before, after, property }]) => {
    expect(find(before, property)).toBe(oldRefresh)
    expect(replace(before, property)).toBe(after)
    expect(find(after, property)).toBe(newRefresh)
    expect(replace(after, property), 'again is the same').toBe(after)
  })
})

describe('what was issued is all that changes', () => {
  const before = `{"access_token":"${oldAccess}","expires_in":300,"refresh_token":"${oldRefresh}","refresh_token_expires_in":86400,"id_token":"i"}`

  test('without a new refresh token the old one is kept', () => {
    const { accessToken } = issued()
    expect(replace(before, undefined, { accessToken })).toBe(
      `{"access_token":"${newAccess}","expires_in":3600,"refresh_token":"${oldRefresh}","refresh_token_expires_in":86400,"id_token":"${newId}"}`,
    )
  })

  test('a refresh token alone is replaced alone', () => {
    const alone = { refreshToken: new Sensitive(newRefresh) }
    expect(replace(before, undefined, alone)).toBe(before.replace(oldRefresh, newRefresh))
  })

  test('without scopes and ID token theirs are kept', () => {
    const { idToken: _, ...accessToken } = { ...issued().accessToken, scopes: [] }
    const text = `{"access_token":"x","scope":"a b","scopes":["a"],"id_token":"i","refresh_token":"x"}`
    expect(replace(text, undefined, issued({ accessToken }))).toBe(
      `{"access_token":"${newAccess}","scope":"a b","scopes":["a"],"id_token":"i","refresh_token":"${newRefresh}"}`,
    )
  })

  test("the refresh token's own expiry is written where it is known", () => {
    const tokens = issued({ refreshTokenExpiresAt: epochSeconds(issuedAt + 86_400.25) })
    const text = `{"refreshToken":"x","refreshTokenExpiresAt":1763600000000,"refresh_token_expires_in":5,"access_token":""}`
    expect(replace(text, undefined, tokens)).toBe(
      `{"refreshToken":"${newRefresh}","refreshTokenExpiresAt":${issuedAt + 86_400}250,"refresh_token_expires_in":86400,"access_token":"${newAccess}"}`,
    )
  })

  test('an expiry beyond what numbers and RFC 3339 can say is left', () => {
    const accessToken = { ...issued().accessToken, expiresAt: epochSeconds(1e300) }
    const text = `{"refresh_token":"x","access_token":"x","expires_in":1,"expires_at":1763600000,"expiry":"2025-01-02T03:04:05Z"}`
    expect(replace(text, undefined, issued({ accessToken }))).toBe(
      text.replaceAll('token":"x"', 'token":"?"').replace('?', newRefresh).replace('?', newAccess),
    )
  })

  test('a document without a token cannot be written to', () => {
    expect(() => replace('{}')).toThrow('holds a refresh token')
  })
})

const problems: Record<string, readonly [text: string, problem: string, property?: string]> = {
  'an empty document': [' \n', 'missing: is empty'],
  'an empty object': ['{}', 'missing: is an empty object'],
  'a null token': ['{"refresh_token":null}', 'missing: has null at /refresh_token'],
  'an emptied token': ['{"refreshToken":" "}', 'missing: has an empty string at /refreshToken'],
  'a login without refresh token': [
    `{"claudeAiOauth":{"accessToken":"${oldAccess}"},"x":{"refresh_token":"${oldRefresh}"}}`,
    'malformed: has no refresh token where a known shape has one',
  ],
  'only logins at MCP servers': [
    `{"mcpOAuth":{"s":{"refreshToken":"${oldRefresh}"}}}`,
    'malformed: has no refresh token where a known shape has one',
  ],
  'a token of another type': ['{"refresh_token":7}', 'malformed: has no string at /refresh_token'],
  'text of several words': [`token = ${oldRefresh}`, 'malformed: is neither JSON nor a single token'],
  'several lines': [`${oldRefresh}\n${oldAccess}`, 'malformed: is neither JSON nor a single token'],
  'broken JSON': [`{"refresh_token":"${oldRefresh}"`, 'malformed: begins like JSON and is not valid JSON'],
  'JSON with more behind it': [`{"refresh_token":"a"} b`, 'malformed: begins like JSON and is not valid JSON'],
  'JSON that is nested too deeply': ['['.repeat(9000), 'malformed: begins like JSON and is not valid JSON'],
  'a text that is too long': ['a'.repeat(262_145), 'malformed: is longer than 262144 characters'],
  'two tokens': [
    '{"a":{"refresh_token":"x"},"b":"{\\"refreshToken\\":\\"y\\"}"}',
    'malformed: has a refresh token at /a/refresh_token and /b/refreshToken, and only a property can say which',
  ],
  'two spellings': [
    '{"refresh_token":"x","refreshToken":"y"}',
    'malformed: has a refresh token at /refresh_token and /refreshToken, and only a property can say which',
  ],
  'a token that occurs twice': [
    '{"refresh_token":"x","refresh_token":"y"}',
    'malformed: has a refresh token at /refresh_token and /refresh_token, and only a property can say which',
  ],
  'a token as the name of a member': [
    `{"${oldRefresh}":{"refresh_token":""}}`,
    'missing: has an empty string at /(a name that is not shown)/refresh_token',
  ],
  'a pointer to nothing': ['{"a":{}}', 'missing: has nothing at /a/b', '/a/b'],
  'a pointer past the end of an array': ['["a"]', 'missing: has nothing at /1', '/1'],
  'a pointer to a number': ['{"a":[7]}', 'malformed: has no string at /a/0', '/a/0'],
  'a pointer to an inherited name': ['{"a":"b"}', 'missing: has nothing at /constructor', '/constructor'],
  'a pointer to a name that occurs twice': ['{"a":"b","a":"c"}', 'malformed: has the name at /a more than once', '/a'],
  'a property that is no pointer': [
    '{"a":"b"}',
    'malformed: cannot be searched, because the property is not a JSON pointer (RFC 6901)',
    'a',
  ],
  'a pointer into plain text': [oldRefresh, 'malformed: is plain text, in which a property finds nothing', '/a'],
  'an array': ['["a"]', 'malformed: has no string at its root', ''],
}

describe('no token is found in', () => {
  test.for(Object.entries(problems))('%s', ([, [text, problem, property]]) => {
    expect(find(text, property)).toBe(problem)
  })
})
