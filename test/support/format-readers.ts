import { parseEnv } from 'node:util'
import { parse as parseYaml } from 'yaml'
import type { FormatParameters, OutputFormat } from '../../src/domain/output-format.ts'

/** When the tokens of these tests were issued; the readers look at the clock an instant later. */
export const issuedAt = 1_800_000_000

/** Parameters that suit every format: each takes those that are its own. */
export const suitable: FormatParameters = {
  variable: 'TOKEN',
  host: 'registry.example.com',
  path: 'team/index',
  username: 'robot$ci+one@example.com',
  name: 'internal',
}

/** What one program makes of the file: the token that it would send, or undefined when it sends none. */
export type Reader = (file: string, nowMs: number, parameters: FormatParameters) => unknown

type Json = Readonly<Record<string, unknown>>

/** By program, what docs/formats.md says of how it reads. */
export const readers: Readonly<Record<OutputFormat, Readonly<Record<string, Reader>>>> = {
  raw: {
    'a reader that takes the file as it is': (file) => file,
    'a reader that trims': (file) => file.trim(),
    'a reader that takes the first line': (file) => file.split(/\r?\n/, 1)[0],
  },
  header: {
    'curl -H @file': (file) => {
      const lines = file.split(/\r?\n/).filter((line) => line !== '')
      const [line] = lines
      return lines.length === 1 ? /^Authorization:[ \t]*Bearer (.*)$/i.exec(line ?? '')?.[1]?.trimEnd() : undefined
    },
  },
  dotenv: {
    'Node --env-file': (file) => parseEnv(file)['TOKEN'],
    'kubectl --from-env-file': (file) => literalEnv(file),
    'npm dotenv': (file) => /^\s*TOKEN\s*=\s*([^#\r\n'"`]*)\s*$/m.exec(file)?.[1]?.trim(),
  },
  'oauth2-json': {
    'a client library with a margin of a minute': (file, nowMs) => {
      const { access_token, token_type, expires_at, expires_in } = json(file)
      if (typeof token_type !== 'string' || typeof expires_at !== 'number' || !Number.isInteger(expires_in))
        return undefined
      return expires_at - 60 > nowMs / 1000 ? access_token : undefined
    },
  },
  vibekit: {
    VibeKit: (file, nowMs) => {
      const { access_token, expires_in, created_at } = json(file)
      if (typeof expires_in !== 'number' || typeof created_at !== 'number') return access_token
      return created_at + (expires_in - 3600) * 1000 > nowMs ? access_token : undefined
    },
  },
  'claude-code': {
    'Claude Code': (file) => {
      const { accessToken, scopes, refreshToken } = member(json(file), 'claudeAiOauth')
      if (refreshToken !== undefined || !Array.isArray(scopes) || !scopes.includes('user:inference')) return undefined
      return accessToken
    },
  },
  codex: {
    Codex: (file) => {
      const { tokens, last_refresh } = json(file) as { tokens: Json; last_refresh: unknown }
      const complete = isLogin(tokens) && typeof last_refresh === 'string' && !Number.isNaN(Date.parse(last_refresh))
      return complete && tokens['account_id'] !== '' ? tokens['access_token'] : undefined
    },
  },
  'gemini-cli': {
    'Gemini CLI': (file, nowMs) => {
      const { access_token, expiry_date, refresh_token } = json(file)
      const alive = expiry_date === undefined || Number(expiry_date) - 300_000 > nowMs
      return alive && refresh_token === undefined ? access_token : undefined
    },
  },
  'qwen-code': {
    'Qwen Code': (file, nowMs) => {
      const { access_token, refresh_token, token_type, expiry_date } = json(file)
      const texts = [access_token, refresh_token, token_type].every((text) => typeof text === 'string' && text !== '')
      return texts && Number(expiry_date) - 30_000 > nowMs ? access_token : undefined
    },
  },
  opencode: {
    opencode: (file, nowMs, { name = '' }) => {
      const { type, key, access, refresh, expires } = member(json(file), name)
      if (name !== 'openai') return type === 'api' ? key : undefined
      return type === 'oauth' && refresh === '' && Number(expires) > nowMs ? access : undefined
    },
  },
  llxprt: {
    'LLxprt Code': (file, nowMs) => {
      const { access_token, token_type, expiry, refresh_token } = json(file)
      const alive = token_type === 'Bearer' && Number(expiry) - 30 > nowMs / 1000
      return alive && refresh_token === undefined ? access_token : undefined
    },
  },
  'docker-config': {
    docker: (file, _, { host = '', username }) => {
      const { auth } = member(member(json(file), 'auths'), host)
      if (typeof auth !== 'string' || !/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(auth))
        return undefined
      const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, 'base64').toString('utf8')) ?? []
      return user === username ? password : undefined
    },
  },
  netrc: {
    curl: (file, _, { host, username }) => {
      if (file.split('\n').some((line) => line.length > 4090)) return undefined
      const [machine, name, login, user, password, token, ...more] = file.trimEnd().split(/\s+/)
      const complete = [machine, login, password].join(' ') === 'machine login password' && more.length === 0
      const unquoted = token !== undefined && !/^#|["\\]/.test(token)
      return complete && unquoted && name === host && user === username ? token : undefined
    },
  },
  'git-credentials': {
    'git credential-store': (file, _, { host, username }) => {
      const [, user, password, place] = /^https:\/\/([^:@/]*):([^@/]*)@([^/\n]*)\n$/.exec(file) ?? []
      if (user === undefined || password === undefined || place !== host) return undefined
      return decodeURIComponent(user) === username ? decodeURIComponent(password) : undefined
    },
  },
  'gh-hosts': {
    'gh before 2.40': (file, _, { host = '' }) => member(parseYaml(file) as Json, host)['oauth_token'],
    'gh since 2.40': (file, _, { host = '', username = '' }) =>
      member(member(member(parseYaml(file) as Json, host), 'users'), username)['oauth_token'],
  },
  npmrc: {
    npm: (file, _, { host, path }) => {
      const lines = file.split(/[\r\n]+/).filter((line) => line !== '')
      const [, key, value = ''] = /^([^=]+)=(.*)$/.exec(lines[0] ?? '') ?? []
      if (lines.length !== 1 || key !== `//${host}/${path}/:_authToken`) return undefined
      return /["';#$\\]|^(true|false|null|undefined)$/.test(value) ? undefined : value.trim()
    },
  },
  'basic-auth': { 'a reader of the password': (file) => file },
  'envoy-sds': {
    'the credential injector of Envoy': (file, _, { name }) => {
      const { resources } = parseYaml(file) as { resources: readonly Json[] }
      const [secret = {}] = resources
      if (resources.length !== 1 || secret['name'] !== name) return undefined
      const { inline_string } = member(member(secret, 'generic_secret'), 'secret')
      return typeof inline_string === 'string' ? /^Bearer (.*)$/.exec(inline_string)?.[1] : undefined
    },
  },
  pip: {
    pip: (file, _, { host, path, username }) => {
      const [, user = '', password = '', place] =
        /^\[global\]\nindex-url = https:\/\/([^:@/\s]*):([^:@/\s]*)@(\S+)\n$/.exec(file) ?? []
      return place === `${host}/${path}/` && decodeURIComponent(user) === username
        ? decodeURIComponent(password)
        : undefined
    },
  },
  cargo: {
    cargo: (file, _, { name }) => {
      const [, text = ''] = file.startsWith(`[registries.${name}]\n`) ? (/^token = "(.*)"\n$/m.exec(file) ?? []) : []
      const lines = file.split('\n').length === 3
      return lines ? /^Bearer (.*)$/.exec(text.replaceAll(/\\(["\\])/g, '$1'))?.[1] : undefined
    },
  },
  terraform: {
    Terraform: (file, _, { host = '' }) => member(member(json(file), 'credentials'), host)['token'],
  },
}

function json(text: string): Json {
  return JSON.parse(text) as Json
}

function member(value: Json, name: string): Json {
  return (value[name] ?? {}) as Json
}

function isLogin({ id_token, access_token, refresh_token }: Json): boolean {
  const parts = typeof id_token === 'string' ? id_token.split('.') : []
  const parsed = parts.map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')))
  return parsed.length === 3 && typeof access_token === 'string' && typeof refresh_token === 'string'
}

function literalEnv(file: string): string | undefined {
  const lines = file.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.length === 1 ? lines[0]?.slice('TOKEN='.length) : undefined
}
