import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Place, readWith, type Reading } from './reader-bed.ts'
import type { SeenRequest, VendorAnswer } from './vendor.ts'
import { issueVendorCertificate, type VendorCertificate } from './vendor-certificate.ts'

let vendor: VendorCertificate

beforeAll(async () => {
  vendor = await issueVendorCertificate(['oauth2.googleapis.com', 'www.googleapis.com', 'play.googleapis.com'])
})

afterAll(() => vendor.remove())

/** No agent asks again after this. */
const refusal: VendorAnswer = {
  status: 400,
  body: '{"type":"error","error":{"type":"invalid_request_error","message":"this is no model"}}',
}

const codexSettings = (host: string) => `
model_provider = "vendor"
model = "demo"

[model_providers.vendor]
name = "vendor"
base_url = "http://${host}/v1"
wire_api = "responses"
requires_openai_auth = true
request_max_retries = 0
stream_max_retries = 0
`

function opencodeSettings(host: string): string {
  const options = { baseURL: `http://${host}/v1` }
  const vendor = { npm: '@ai-sdk/openai-compatible', options, models: { demo: {} } }
  return JSON.stringify({ provider: { vendor }, share: 'disabled' })
}

function claudeSettings({ host }: Place): Readonly<Record<string, string>> {
  return { ANTHROPIC_BASE_URL: `http://${host}`, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' }
}

function throughProxy({ proxy }: Place): Readonly<Record<string, string>> {
  return { NODE_EXTRA_CA_CERTS: vendor.authorityFile, HTTPS_PROXY: proxy, https_proxy: proxy }
}

/** Gemini CLI asks about a token before it sends it to the model. */
function aboutTheToken({ path }: SeenRequest): VendorAnswer {
  if (path.includes('/tokeninfo')) return { status: 200, body: '{"expires_in":"3000","scope":"cloud-platform"}' }
  if (path.includes('/userinfo')) return { status: 200, body: '{"email":"a@example.com"}' }
  return refusal
}

interface Row extends Omit<Reading, 'certificate'> {
  readonly tls?: true
}

const rows: Readonly<Record<string, Row>> = {
  'Claude Code sends the token of a directory': {
    output: () => ({ format: 'claude-code' }),
    command: () => ['claude', '-p', 'hello'],
    env: (place) => ({ ...claudeSettings(place), CLAUDE_CONFIG_DIR: place.mount.directory }),
  },
  'Claude Code sends the token behind a link': {
    output: () => ({ format: 'claude-code' }),
    command: ({ home, mount }) => {
      mount.linkFrom(join(home, '.claude', '.credentials.json'), '.credentials.json')
      return ['claude', '-p', 'hello']
    },
    env: claudeSettings,
  },
  'Codex sends the token behind a link': {
    output: () => ({ format: 'codex' }),
    command: ({ home, host, mount, write }) => {
      mount.linkFrom(join(home, '.codex', 'auth.json'), 'auth.json')
      write('.codex/config.toml', codexSettings(host))
      return ['codex', 'exec', '--skip-git-repo-check', 'hello']
    },
  },
  'opencode sends the token behind a link as the key of a provider': {
    output: () => ({ format: 'opencode', name: 'vendor' }),
    command: ({ home, host, mount, write }) => {
      mount.linkFrom(join(home, '.local', 'share', 'opencode', 'auth.json'), 'auth.json')
      write('opencode.json', opencodeSettings(host))
      return ['opencode', 'run', '--model', 'vendor/demo', 'hello']
    },
    env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_AUTOUPDATE: '1' }),
  },
  'Gemini CLI sends the token behind a link': {
    output: () => ({ format: 'gemini-cli' }),
    command: ({ home, mount }) => {
      mount.linkFrom(join(home, '.gemini', 'oauth_creds.json'), 'oauth_creds.json')
      return ['gemini', '-p', 'hello']
    },
    env: (place) => ({
      ...throughProxy(place),
      GOOGLE_GENAI_USE_GCA: 'true',
      CODE_ASSIST_ENDPOINT: `https://${place.host}`,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    }),
    answer: aboutTheToken,
    tls: true,
  },
  'Qwen Code, as long as it took this login, sends the token behind a link to its host': {
    output: (host) => ({ format: 'qwen-code', host }),
    command: ({ home, mount }) => {
      mount.linkFrom(join(home, '.qwen', 'oauth_creds.json'), 'oauth_creds.json')
      return ['qwen', '--auth-type', 'qwen-oauth', '-p', 'hello']
    },
    env: throughProxy,
    tls: true,
  },
}

test.each(Object.entries(rows))('%s', async (_, { tls, ...reading }) => {
  const certificate = tls && { certificate: vendor.certificate }
  const { token, seen, harm, said } = await readWith({ answer: () => refusal, ...reading, ...certificate })
  const asked = seen.filter(({ method, path }) => method === 'POST' && !path.includes('/tokeninfo'))
  expect(
    asked.map(({ authorization }) => authorization),
    said,
  ).toContain(`Bearer ${token}`)
  expect(seen.filter(({ body }) => body.includes('refresh_token'))).toEqual([])
  expect(harm).toEqual([])
})
