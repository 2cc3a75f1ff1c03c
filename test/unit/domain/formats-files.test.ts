import { describe, expect, test } from 'vitest'
import { systemTextCodec } from '../../../src/adapters/system/text-codec.ts'
import type { FormatOutput } from '../../../src/domain/output-format.ts'
import { outputKey, readerMargin, renderOutputs } from '../../../src/domain/formats.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { observeOutput } from '../../support/canary.ts'

/** What quoting has to be for: not a canary, because the files show it in other encodings. */
const odd = 'at/1+2=%"\\ #$.~'
const plain = 'at.plain-1'

function rendering(output: FormatOutput, text: string, overrides: { tokenType?: string; scopes?: readonly string[] }) {
  const token = {
    value: new Sensitive(text),
    tokenType: 'Bearer',
    issuedAt: epochSeconds(1_800_000_000.4),
    expiresAt: epochSeconds(1_800_003_600.4),
    scopes: [],
    ...overrides,
  }
  return renderOutputs([output], token, systemTextCodec)
}

interface Golden {
  readonly output: FormatOutput
  readonly text?: string
  readonly scopes?: readonly string[]
  readonly content: string
}

const sds = '"@type":"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"'

const golden: Readonly<Record<string, Golden>> = {
  'codex has an id token of nobody, an empty refresh token and the time of the refresh': {
    output: { format: 'codex' },
    content:
      '{"tokens":{"id_token":"e30.e30.e30","access_token":"at.plain-1","refresh_token":""},' +
      '"last_refresh":"2027-01-15T08:00:00Z"}',
  },
  'codex names an account when it is told one': {
    output: { format: 'codex', accountId: 'acc-1' },
    content:
      '{"tokens":{"id_token":"e30.e30.e30","access_token":"at.plain-1","refresh_token":"","account_id":"acc-1"},' +
      '"last_refresh":"2027-01-15T08:00:00Z"}',
  },
  'gemini-cli has no expiry, at which its reader would give up five minutes early': {
    output: { format: 'gemini-cli' },
    content: '{"access_token":"at.plain-1","token_type":"Bearer"}',
  },
  'gemini-cli names the scopes': {
    output: { format: 'gemini-cli' },
    scopes: ['a', 'b'],
    content: '{"access_token":"at.plain-1","token_type":"Bearer","scope":"a b"}',
  },
  'qwen-code has a placeholder and milliseconds': {
    output: { format: 'qwen-code', host: 'portal.example.com' },
    content:
      '{"access_token":"at.plain-1","refresh_token":"kept-by-the-operator","token_type":"Bearer",' +
      '"resource_url":"portal.example.com","expiry_date":1800003600400}',
  },
  'opencode has a login of openai': {
    output: { format: 'opencode', name: 'openai' },
    content: '{"openai":{"type":"oauth","refresh":"","access":"at.plain-1","expires":1800003600400}}',
  },
  'opencode has a key for everybody else': {
    output: { format: 'opencode', name: 'anthropic' },
    content: '{"anthropic":{"type":"api","key":"at.plain-1"}}',
  },
  'llxprt has seconds': {
    output: { format: 'llxprt' },
    content: '{"access_token":"at.plain-1","token_type":"Bearer","expiry":1800003600}',
  },
  'docker-config has the user and the token in base64': {
    output: { format: 'docker-config', host: 'r.example:5000', username: 'robot$ci' },
    content: '{"auths":{"r.example:5000":{"auth":"cm9ib3QkY2k6YXQucGxhaW4tMQ=="}}}',
  },
  'netrc has a field on each line': {
    output: { format: 'netrc', host: 'git.example', username: 'ci' },
    content: 'machine git.example\nlogin ci\npassword at.plain-1\n',
  },
  'git-credentials encodes what is not unreserved': {
    output: { format: 'git-credentials', host: 'git.example:8443', username: 'ci@x' },
    text: odd,
    content: 'https://ci%40x:at%2F1%2B2%3D%25%22%5C%20%23%24.~@git.example:8443\n',
  },
  'gh-hosts has the token for old and new versions, quoted': {
    output: { format: 'gh-hosts', host: 'github.com', username: 'octo' },
    text: odd,
    content:
      '"github.com":\n    user: "octo"\n    oauth_token: "at/1+2=%\\"\\\\ #$.~"\n    git_protocol: https\n' +
      '    users:\n        "octo":\n            oauth_token: "at/1+2=%\\"\\\\ #$.~"\n',
  },
  'npmrc names the registry without its scheme': {
    output: { format: 'npmrc', host: 'npm.example:4873' },
    content: '//npm.example:4873/:_authToken=at.plain-1\n',
  },
  'npmrc names the path of the registry': {
    output: { format: 'npmrc', host: 'npm.example', path: 'api/npm/team' },
    content: '//npm.example/api/npm/team/:_authToken=at.plain-1\n',
  },
  'basic-auth is the bare token': { output: { format: 'basic-auth', username: 'robot' }, content: 'at.plain-1' },
  'envoy-sds is a whole value of the header': {
    output: { format: 'envoy-sds', name: 'upstream' },
    text: odd,
    content: `{"resources":[{${sds},"name":"upstream","generic_secret":{"secret":{"inline_string":"Bearer at/1+2=%\\"\\\\ #$.~"}}}]}`,
  },
  'pip replaces the public index': {
    output: { format: 'pip', host: 'pypi.example:8080', username: '__token__' },
    text: odd,
    content: '[global]\nindex-url = https://__token__:at%2F1%2B2%3D%25%22%5C%20%23%24.~@pypi.example:8080/simple/\n',
  },
  'pip asks the path that it is told': {
    output: { format: 'pip', host: 'pypi.example', username: 'u', path: 'team/simple' },
    content: '[global]\nindex-url = https://u:at.plain-1@pypi.example/team/simple/\n',
  },
  'cargo has the scheme before the token': {
    output: { format: 'cargo', name: 'internal' },
    text: odd,
    content: '[registries.internal]\ntoken = "Bearer at/1+2=%\\"\\\\ #$.~"\n',
  },
  'terraform has a token of the host': {
    output: { format: 'terraform', host: 'tf.example' },
    content: '{"credentials":{"tf.example":{"token":"at.plain-1"}}}',
  },
}

test.each(Object.entries(golden))('%s', (_, { output, text = plain, scopes = [], content }) => {
  const result = rendering(output, text, { scopes })
  expect(result.ok && result.files.get(outputKey(output))?.reveal()).toBe(content)
})

describe('a format refuses', () => {
  const cases: Readonly<Record<string, { output: FormatOutput; text?: string; tokenType?: string; because: RegExp }>> =
    {
      'a blank in netrc': {
        output: { format: 'netrc', host: 'h', username: 'u' },
        text: 'a login b',
        because: /do not read alike/,
      },
      'a token in netrc that curl drops': {
        output: { format: 'netrc', host: 'h', username: 'u' },
        text: 'a'.repeat(4001),
        because: /longer than the 4000 bytes/,
      },
      'a variable that npm would put its environment into': {
        output: { format: 'npmrc', host: 'h' },
        text: 'a${HOME}',
        because: /npm does not read back/,
      },
      'a word that npm takes for no text': { output: { format: 'npmrc', host: 'h' }, text: 'true', because: /a word/ },
      'a host that is none': { output: { format: 'terraform', host: 'a b' }, because: /no valid host/ },
      'no user where one is needed': { output: { format: 'basic-auth' }, because: /no valid username/ },
      'an empty account, which is fatal to Codex': {
        output: { format: 'codex', accountId: '' },
        because: /no valid accountId/,
      },
      'a key-bound token for a program that knows bearer tokens alone': {
        output: { format: 'codex' },
        tokenType: 'DPoP',
        because: /type/,
      },
      'a key-bound token as a password': {
        output: { format: 'basic-auth', username: 'u' },
        tokenType: 'mac',
        because: /type/,
      },
    }

  test.each(Object.entries(cases))('%s', (_, { output, text = plain, tokenType = 'Bearer', because }) => {
    const result = rendering(output, text, { tokenType })
    const problem = result.ok ? '' : result.problem
    observeOutput('refusal of a format', problem)
    expect(problem).toMatch(because)
  })
})

test('the most cautious reader is Codex', () => {
  expect(readerMargin([{ format: 'qwen-code' }, { format: 'codex' }, { format: 'llxprt' }])).toBe(300)
})
