/** Every output format, in the order in which they are told. */
export const outputFormats = [
  'raw',
  'header',
  'dotenv',
  'oauth2-json',
  'vibekit',
  'claude-code',
  'codex',
  'gemini-cli',
  'qwen-code',
  'opencode',
  'llxprt',
  'docker-config',
  'netrc',
  'git-credentials',
  'gh-hosts',
  'npmrc',
  'basic-auth',
  'envoy-sds',
  'pip',
  'cargo',
  'terraform',
] as const

export type OutputFormat = (typeof outputFormats)[number]

/** Every parameter that some format takes. Appended to, never sorted: the digest of a target follows this order. */
export const formatParameters = ['variable', 'host', 'path', 'username', 'name', 'accountId'] as const

export type FormatParameter = (typeof formatParameters)[number]

/** What a reader wants in its file beside the token. Which format takes which is told by the format itself. */
export interface FormatParameters {
  /** Name of an environment variable. */
  readonly variable?: string
  /** Host that the token is for, in lower case, with `:port` where it is not the usual one. */
  readonly host?: string
  /** Path below the host, without slashes at its ends. */
  readonly path?: string
  readonly username?: string
  /** By which name the reader's own configuration speaks of the token. */
  readonly name?: string
  /** Account of the vendor that the token belongs to. */
  readonly accountId?: string
}

/** A file in the form that a program reads. */
export interface FormatOutput extends FormatParameters {
  readonly format: OutputFormat
  /** The data key; absent: the format's own. */
  readonly key?: string
}
