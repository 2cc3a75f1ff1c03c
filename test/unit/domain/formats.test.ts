import { describe, expect, test } from 'vitest'
import { systemTextCodec } from '../../../src/adapters/system/text-codec.ts'
import type { Output, Target } from '../../../src/domain/credential.ts'
import { outputFormats } from '../../../src/domain/output-format.ts'
import {
  formatOf,
  outputKey,
  outputKeys,
  outputText,
  readerMargin,
  rehearsedOutputs,
  renderOutputs,
  targetDigest,
} from '../../../src/domain/formats.ts'
import { parseTemplate } from '../../../src/domain/template/parse-template.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import type { AccessToken } from '../../../src/domain/tokens.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { suitable } from '../../support/format-readers.ts'

const issuedAt = 1_800_000_000.4

function aToken(overrides: Partial<Omit<AccessToken, 'value'>> & { text?: string } = {}): AccessToken {
  const { text = canary('at'), ...rest } = overrides
  return {
    value: new Sensitive(text),
    tokenType: 'Bearer',
    issuedAt: epochSeconds(issuedAt),
    expiresAt: epochSeconds(issuedAt + 3600),
    scopes: [],
    ...rest,
  }
}

/** The content of the one file that `output` renders to; fails the test when it is refused. */
function contentOf(output: Output, token: AccessToken): string {
  const result = renderOutputs([output], token, systemTextCodec)
  if (!result.ok) throw new Error(result.problem)
  return result.files.get(outputKey(output))?.reveal() ?? ''
}

function templateOutput(key: string, text: string): Output {
  const parsed = parseTemplate(text)
  if (!parsed.ok) throw new Error(parsed.message)
  return { key, template: parsed.template }
}

/** Why `output` refuses; fails the test when it does not. Scanned for the token. */
function refusalOf(output: Output, token: AccessToken): string {
  const result = renderOutputs([output], token, systemTextCodec)
  if (result.ok) throw new Error('it was rendered')
  observeOutput('refusal of a format', result.problem)
  return result.problem
}

describe('the file of each format', () => {
  const text = canary('at')
  const scopes = ['user:inference', 'user:profile']
  const golden: Readonly<Record<string, { output: Output; token?: Partial<AccessToken>; content: string }>> = {
    'raw is the bare token without a newline': { output: { format: 'raw' }, content: text },
    'header has the name of the header': { output: { format: 'header' }, content: `Authorization: Bearer ${text}` },
    'header says Bearer however the server spells it': {
      output: { format: 'header' },
      token: { tokenType: 'bearer' },
      content: `Authorization: Bearer ${text}`,
    },
    'header sends a token type that is bearer by another name': {
      output: { format: 'header' },
      token: { tokenType: 'bot' },
      content: `Authorization: Bearer ${text}`,
    },
    'dotenv is one unquoted line': {
      output: { format: 'dotenv', variable: 'API_TOKEN' },
      content: `API_TOKEN=${text}\n`,
    },
    'oauth2-json has the names of RFC 6749 and whole seconds': {
      output: { format: 'oauth2-json' },
      token: { scopes: ['a', 'b'], tokenType: 'bearer' },
      content: `{"access_token":"${text}","token_type":"bearer","expires_in":3600,"expires_at":1800003600,"scope":"a b"}`,
    },
    'oauth2-json leaves out scopes that nobody named': {
      output: { format: 'oauth2-json' },
      content: `{"access_token":"${text}","token_type":"Bearer","expires_in":3600,"expires_at":1800003600}`,
    },
    'vibekit has no expiry, which its reader would take for an hour too early': {
      output: { format: 'vibekit' },
      content: `{"access_token":"${text}","token_type":"Bearer"}`,
    },
    'vibekit names the scopes': {
      output: { format: 'vibekit' },
      token: { scopes },
      content: `{"access_token":"${text}","token_type":"Bearer","scope":"user:inference user:profile"}`,
    },
    'claude-code has milliseconds and the granted scopes': {
      output: { format: 'claude-code' },
      token: { scopes },
      content: `{"claudeAiOauth":{"accessToken":"${text}","expiresAt":1800003600400,"scopes":["user:inference","user:profile"]}}`,
    },
    'claude-code claims the scope of its reader when the server named none': {
      output: { format: 'claude-code' },
      content: `{"claudeAiOauth":{"accessToken":"${text}","expiresAt":1800003600400,"scopes":["user:inference"]}}`,
    },
  }

  test.each(Object.entries(golden))('%s', (_, { output, token, content }) => {
    expect(contentOf(output, aToken({ ...token, text }))).toBe(content)
  })
})

describe('a format refuses', () => {
  const header: Output = { format: 'header' }
  const dotenv: Output = { format: 'dotenv', variable: 'T' }
  const cases: Readonly<Record<string, { output: Output; token: AccessToken; because: RegExp }>> = {
    'an empty token': { output: { format: 'raw' }, token: aToken({ text: '' }), because: /is empty/ },
    'a newline': { output: header, token: aToken({ text: `${canary('at')}\nX-Admin: 1` }), because: /no HTTP header/ },
    'a carriage return': { output: header, token: aToken({ text: `${canary('at')}\r` }), because: /no HTTP header/ },
    'a NUL': { output: { format: 'vibekit' }, token: aToken({ text: `${canary('at')}\0` }), because: /no HTTP header/ },
    'letters beyond ASCII': {
      output: { format: 'oauth2-json' },
      token: aToken({ text: `${canary('at')}é` }),
      because: /no HTTP header/,
    },
    'a blank at the end, which readers trim': {
      output: { format: 'raw' },
      token: aToken({ text: `${canary('at')} ` }),
      because: /blank/,
    },
    'a key-bound token as a bearer header': { output: header, token: aToken({ tokenType: 'DPoP' }), because: /type/ },
    'a key-bound token for Claude Code': {
      output: { format: 'claude-code' },
      token: aToken({ tokenType: 'dpop' }),
      because: /type/,
    },
    'a key-bound token for VibeKit': {
      output: { format: 'vibekit' },
      token: aToken({ tokenType: 'MAC' }),
      because: /type/,
    },
    'scopes without the one that Claude Code asks for': {
      output: { format: 'claude-code' },
      token: aToken({ scopes: ['openid'] }),
      because: /lack user:inference/,
    },
    'an env file without a variable': { output: { format: 'dotenv' }, token: aToken(), because: /no valid variable/ },
    'a variable that is not a name': {
      output: { format: 'dotenv', variable: 'A=$(id);B' },
      token: aToken(),
      because: /no valid variable/,
    },
    'a command substitution in an env file': {
      output: dotenv,
      token: aToken({ text: `${canary('at')}$(id)` }),
      because: /do not read alike/,
    },
    'a comment sign in an env file': {
      output: dotenv,
      token: aToken({ text: `${canary('at')}#x` }),
      because: /do not read alike/,
    },
    'a tilde at the start in an env file': {
      output: dotenv,
      token: aToken({ text: `~${canary('at')}` }),
      because: /tilde/,
    },
    'a tilde after a colon in an env file': {
      output: dotenv,
      token: aToken({ text: `${canary('at')}:~root` }),
      because: /tilde/,
    },
  }

  test.each(Object.entries(cases))('%s', (_, { output, token, because }) => {
    expect(refusalOf(output, token)).toMatch(because)
  })
})

describe('the outputs of a target', () => {
  test('are all rendered, each under its key', () => {
    const outputs: readonly Output[] = [{ format: 'raw' }, { format: 'header', key: 'h' }, { format: 'claude-code' }]
    const result = renderOutputs(outputs, aToken(), systemTextCodec)
    expect(result.ok && [...result.files.keys()]).toEqual(['access_token', 'h', '.credentials.json'])
    expect(outputKeys(outputs)).toEqual(['access_token', 'h', '.credentials.json'])
  })

  test('are not rendered in part: the first that cannot carry the token is named', () => {
    const bad: Output = { format: 'dotenv', variable: 'not a name' }
    expect(renderOutputs([{ format: 'raw' }, bad], aToken(), systemTextCodec)).toMatchObject({ ok: false, output: bad })
  })

  test('may be made by a template of the token', () => {
    const token = aToken({ scopes: ['read', 'write'] })
    const text =
      '{{ .tokenType }} {{ .accessToken }} {{ .scope }} {{ .expiresAt }} {{ .expiresAtUnix }} {{ .issuedAtUnix }}'
    expect(contentOf(templateOutput('line', text), token)).toBe(
      `Bearer ${token.value.reveal()} read write 2027-01-15T09:00:00Z 1800003600 1800000000`,
    )
    expect(refusalOf(templateOutput('line', 'x {{ .idToken }}'), token)).toBe(
      'the token has no .idToken; the function default can stand in for it (line 1, column 6)',
    )
    expect(refusalOf(templateOutput('line', 'x'), aToken({ text: 'a\nb' }))).toMatch(/no HTTP header carries/)
  })

  test('of a template are rehearsed without the token that it reads', () => {
    const outputs = [templateOutput('a', '{{ .accessToken | b64dec }}'), templateOutput('b', '{{ .idToken }}')]
    const result = rehearsedOutputs(outputs, aToken(), systemTextCodec)
    expect(result.ok && [...result.files.keys()]).toEqual(['a', 'b'])
  })

  test('are told by their format, or by the key of their template', () => {
    expect(outputText({ format: 'raw', key: 'k' })).toBe('raw')
    expect(outputText(templateOutput('line', 'x'))).toBe('with the key line')
    expect(formatOf(templateOutput('line', 'x'))).toBe('template')
  })

  test('may not share a key', () => {
    const result = renderOutputs(
      [{ format: 'raw' }, { format: 'header', key: 'access_token' }],
      aToken(),
      systemTextCodec,
    )
    expect(result).toMatchObject({ ok: false, problem: 'another output has the key access_token already' })
  })

  test('hold neither the id token nor anything named refresh', () => {
    const idToken = canary('secret')
    const outputs = outputFormats.map((format): Output => ({ ...suitable, format, key: format }))
    const result = renderOutputs(
      outputs,
      aToken({ idToken: new Sensitive(idToken), text: 'at.plain' }),
      systemTextCodec,
    )
    if (!result.ok) throw new Error(result.problem)
    const text = [...result.files.values()].map((file) => file.reveal()).join('\n')
    observeOutput('files of a target', text)
    const refreshes = text.match(/"\w*refresh\w*":"[^"]*"/gi)
    expect(refreshes).toEqual([
      '"refresh_token":""',
      '"last_refresh":"2027-01-15T08:00:00Z"',
      '"refresh_token":"kept-by-the-operator"',
    ])
    expect(result.files.size).toBe(outputFormats.length + 1)
  })

  test('write the name of the user beside a password', () => {
    const outputs: readonly Output[] = [{ format: 'basic-auth', username: 'robot' }]
    const result = renderOutputs(outputs, aToken({ text: 'at.plain' }), systemTextCodec)
    expect(result.ok && [...result.files].map(([key, file]) => [key, file.reveal()])).toEqual([
      ['password', 'at.plain'],
      ['username', 'robot'],
    ])
    expect(outputKeys(outputs)).toEqual(['password', 'username'])
    const taken: readonly Output[] = [{ format: 'raw', key: 'username' }, ...outputs]
    expect(renderOutputs(taken, aToken(), systemTextCodec)).toMatchObject({
      problem: 'another output has the key username already',
    })
  })

  test('do not print their content by accident', () => {
    const result = renderOutputs([{ format: 'raw' }], aToken(), systemTextCodec)
    observeOutput('rendered outputs as JSON', JSON.stringify(result.ok && [...result.files]))
    expect(result.ok).toBe(true)
  })

  test('have the margin of their most cautious reader', () => {
    expect(readerMargin([{ format: 'raw' }, { format: 'claude-code' }])).toBe(0)
    expect(readerMargin([{ format: 'raw' }, { format: 'oauth2-json' }])).toBe(60)
    expect(readerMargin([])).toBe(0)
  })
})

describe('the digest of a target', () => {
  const target: Target = {
    name: 'claude-token',
    outputs: [{ format: 'raw' }, { format: 'dotenv', variable: 'A' }],
    creationPolicy: 'Owner',
    deletionPolicy: 'Delete',
  }

  test('differs by each parameter of a format', () => {
    const base: Output = { format: 'pip', host: 'a.example', username: 'u' }
    const outputs: readonly Output[] = [
      base,
      { ...base, host: 'b.example' },
      { ...base, username: 'v' },
      { ...base, path: 'p' },
      { format: 'cargo', name: 'a' },
      { format: 'cargo', name: 'b' },
      { format: 'codex' },
      { format: 'codex', accountId: 'a' },
    ]
    expect(new Set(outputs.map((output) => targetDigest({ ...target, outputs: [output] }))).size).toBe(outputs.length)
  })

  test('is the same in every process', () => {
    expect(targetDigest(target)).toBe('7e4c912d8d8c5838')
  })

  test('tells labels from annotations, whatever their order', () => {
    const marks = { a: '1', b: '2' }
    const digest = targetDigest({ ...target, labels: marks })
    expect(targetDigest({ ...target, labels: { b: '2', a: '1' } })).toBe(digest)
    expect(targetDigest({ ...target, annotations: marks })).not.toBe(digest)
    expect(targetDigest({ ...target, labels: {}, annotations: {} })).toBe(targetDigest(target))
  })

  test('does not change when a default is written out', () => {
    const outputs: readonly Output[] = [
      { format: 'raw', key: 'access_token' },
      { format: 'dotenv', variable: 'A' },
    ]
    expect(targetDigest({ ...target, outputs })).toBe(targetDigest(target))
  })

  test('tells templates from each other and from formats', () => {
    const digests = [
      templateOutput('access_token', 'a'),
      templateOutput('access_token', 'b'),
      { format: 'raw' } as const,
    ]
    expect(new Set(digests.map((output) => targetDigest({ ...target, outputs: [output] }))).size).toBe(3)
  })

  const changes: Readonly<Record<string, Partial<Target>>> = {
    'the name': { name: 'claude-token2' },
    'the creation policy': { creationPolicy: 'Merge' },
    'the deletion policy': { deletionPolicy: 'Retain' },
    'a label': { labels: { team: 'ci' } },
    'an annotation': { annotations: { team: 'ci' } },
    'a format': { outputs: [{ format: 'header' }, { format: 'dotenv', variable: 'A' }] },
    'a key': {
      outputs: [
        { format: 'raw', key: 'k' },
        { format: 'dotenv', variable: 'A' },
      ],
    },
    'a variable': { outputs: [{ format: 'raw' }, { format: 'dotenv', variable: 'B' }] },
    'the number of outputs': { outputs: [{ format: 'raw' }] },
  }
  test.each(Object.entries(changes))('changes with %s', (_, change) => {
    expect(targetDigest({ ...target, ...change })).not.toBe(targetDigest(target))
  })
})
