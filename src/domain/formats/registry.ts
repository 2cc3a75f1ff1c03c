import type { OutputFormat } from '../output-format.ts'
import { basicAuth } from './basic-auth.ts'
import { cargo } from './cargo.ts'
import { claudeCode } from './claude-code.ts'
import { codex } from './codex.ts'
import { dockerConfig } from './docker-config.ts'
import { dotenv } from './dotenv.ts'
import { envoySds } from './envoy-sds.ts'
import type { Format } from './format.ts'
import { geminiCli } from './gemini-cli.ts'
import { ghHosts } from './gh-hosts.ts'
import { gitCredentials } from './git-credentials.ts'
import { header } from './header.ts'
import { llxprt } from './llxprt.ts'
import { netrc } from './netrc.ts'
import { npmrc } from './npmrc.ts'
import { oauth2Json } from './oauth2-json.ts'
import { opencode } from './opencode.ts'
import { pip } from './pip.ts'
import { qwenCode } from './qwen-code.ts'
import { raw } from './raw.ts'
import { terraform } from './terraform.ts'
import { vibekit } from './vibekit.ts'

/** Every format under its name. */
export const formats: Readonly<Record<OutputFormat, Format>> = {
  raw,
  header,
  dotenv,
  'oauth2-json': oauth2Json,
  vibekit,
  'claude-code': claudeCode,
  codex,
  'gemini-cli': geminiCli,
  'qwen-code': qwenCode,
  opencode,
  llxprt,
  'docker-config': dockerConfig,
  netrc,
  'git-credentials': gitCredentials,
  'gh-hosts': ghHosts,
  npmrc,
  'basic-auth': basicAuth,
  'envoy-sds': envoySds,
  pip,
  cargo,
  terraform,
}
