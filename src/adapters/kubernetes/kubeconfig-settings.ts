import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import type { RequestOptions } from 'node:https'
import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { ConnectionSettings, ConnectionSettingsSource } from './connection-settings.ts'

export interface KubeconfigLocation {
  /** Merged as kubectl does it: the first file that names something wins; missing files are passed over while one is there. */
  readonly files: readonly string[]
  /** Default: the first `current-context`. */
  readonly context?: string
}

interface Loaded {
  readonly text: string
  readonly config: KubeConfig
}

/**
 * The settings of a kubeconfig: tokens, client certificates, exec plugins and OIDC, through
 * `@kubernetes/client-node`, which is loaded at the first read.
 *
 * Guarantees: files are read again at every call. A login that a plugin or OIDC has made is kept
 * while the files stay the same, until it expires or is rejected.
 *
 * Failures: KUBERNETES_UNAVAILABLE; what a plugin printed is not passed on. `proxy-url` is not supported.
 */
export class KubeconfigSettings implements ConnectionSettingsSource {
  readonly #location: KubeconfigLocation
  #loaded: Loaded | undefined

  constructor(location: KubeconfigLocation) {
    this.#location = location
  }

  async read(rejected: boolean): Promise<Result<ConnectionSettings>> {
    try {
      const config = await this.#config(rejected)
      return config === undefined ? this.#failed('is missing or not readable') : await this.#settings(config)
    } catch {
      // The error's text may quote the file or what a plugin printed.
      return this.#failed('could not be understood, or its credential plugin failed')
    }
  }

  async #config(rejected: boolean): Promise<KubeConfig | undefined> {
    const files = await readAll(this.#location.files)
    if (files.length === 0) return undefined
    const text = files.map((file) => file.text).join('\0')
    const known = this.#loaded
    if (known !== undefined && known.text === text && keepsLogin(known.config, rejected)) return known.config
    const config = await load(files)
    if (this.#location.context !== undefined) config.setCurrentContext(this.#location.context)
    this.#loaded = { text, config }
    return config
  }

  async #settings(config: KubeConfig): Promise<Result<ConnectionSettings>> {
    const cluster = config.getCurrentCluster()
    if (cluster === null) return this.#failed('has no cluster for the context')
    if (cluster.proxyUrl !== undefined) return this.#failed('asks for a proxy-url, which is not supported,')
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    const namespace = config.getContextObject(config.getCurrentContext())?.namespace
    return ok({
      server: cluster.server,
      headers: new Sensitive(headersOf(options)),
      ...tlsOf(options),
      ...(namespace === undefined ? {} : { namespace }),
    })
  }

  #failed(what: string): Result<never> {
    const context = this.#location.context === undefined ? '' : `, context ${this.#location.context},`
    return failed(
      failure('KUBERNETES_UNAVAILABLE', `The kubeconfig ${this.#location.files.join(':')}${context} ${what}.`),
    )
  }
}

/** A new KubeConfig would run the exec plugin again and lose an OIDC refresh token that was rotated in memory. */
function keepsLogin(config: KubeConfig, rejected: boolean): boolean {
  const user = config.getCurrentUser()
  return user?.exec === undefined ? user?.authProvider !== undefined : !rejected
}

async function readAll(files: readonly string[]): Promise<readonly { path: string; text: string }[]> {
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8').catch(() => undefined)))
  return files.flatMap((path, index) => {
    const text = texts[index]
    return text === undefined ? [] : [{ path, text }]
  })
}

async function load(files: readonly { path: string; text: string }[]): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js')
  const merged = new KubeConfig()
  for (const { path, text } of files) {
    const one = new KubeConfig()
    one.loadFromString(text)
    one.makePathsAbsolute(dirname(path))
    merged.mergeConfig(withoutKnown(one, merged), Boolean(merged.getCurrentContext()))
  }
  return merged
}

/** client-node throws when two files name the same thing; kubectl takes the first. */
function withoutKnown(next: KubeConfig, known: KubeConfig): KubeConfig {
  next.clusters = next.clusters.filter(({ name }) => !known.clusters.some((other) => other.name === name))
  next.users = next.users.filter(({ name }) => !known.users.some((other) => other.name === name))
  next.contexts = next.contexts.filter(({ name }) => !known.contexts.some((other) => other.name === name))
  return next
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value)
  if (options.auth !== undefined && options.auth !== null) {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`
  }
  return headers
}

function tlsOf(options: RequestOptions): Partial<ConnectionSettings> {
  const [ca, cert, key] = [pem(options.ca), pem(options.cert), pem(options.key)]
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: new Sensitive(key) }),
    ...(options.servername === undefined ? {} : { serverName: options.servername }),
    ...(options.rejectUnauthorized === false ? { insecure: true } : {}),
  }
}

/** client-node gives bytes for what comes from files and text for what a plugin printed. */
function pem(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined
}
