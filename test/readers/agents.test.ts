import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Place, readWith, type Reading } from './reader-bed.ts'
import type { VendorAnswer } from './vendor.ts'

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

const rows: Readonly<Record<string, Omit<Reading, 'certificate'>>> = {
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
}

test.each(Object.entries(rows))('%s', async (_, reading) => {
  const { token, seen, harm, said } = await readWith({ ...reading, answer: () => refusal })
  const asked = seen.filter(({ method }) => method === 'POST')
  expect(
    asked.map(({ authorization }) => authorization),
    said,
  ).toContain(`Bearer ${token}`)
  expect(asked.filter(({ body }) => body.includes('refresh_token'))).toEqual([])
  expect(harm).toEqual([])
})
