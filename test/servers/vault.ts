import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority, issueCertificate } from './certificates.ts'
import type { Certificate } from './certificates.ts'
import { freePort, loopback, send } from './loopback.ts'
import type { LoopbackResponse } from './loopback.ts'
import { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { serverPath } from './server-source.ts'

export interface VaultOptions {
  /** Serve HTTPS with a certificate from an authority of its own; plain HTTP by default. */
  readonly tls?: boolean
}

export interface KvAnswer {
  readonly status: number
  /** Of the version written or read; absent when the request failed. */
  readonly version?: number
  readonly data?: Readonly<Record<string, unknown>>
}

const kubernetesPlugin = 'vault-plugin-auth-kubernetes'
const readyWithinMs = 60_000

/**
 * Starts Vault or OpenBao with data on disk, initialized with one unseal key, unsealed, with KV version 2 at `secret/`.
 * Auth methods are enabled by the caller (`sys/auth/approle`, `sys/auth/kubernetes`, ...).
 * @throws with the end of its log when it does not become ready.
 */
export async function startVault(options: VaultOptions = {}): Promise<Vault> {
  const home = new ServerHome('vault')
  try {
    const authority = options.tls === true ? await writeCertificates(home) : undefined
    const address = `${authority === undefined ? 'http' : 'https'}://${loopback}:${await freePort()}`
    await writeConfiguration(home, address)
    const vault = new Vault(home, address, authority?.certPem)
    await vault.initialize()
    return vault
  } catch (error) {
    await home.remove()
    throw error
  }
}

/** A running Vault or OpenBao. */
export class Vault {
  readonly address: string
  /** The authority of its certificate; undefined without TLS. */
  readonly caPem: string | undefined
  readonly #home: ServerHome
  #process: ServerProcess | undefined
  #rootToken = ''
  #unsealKey = ''

  constructor(home: ServerHome, address: string, caPem: string | undefined) {
    this.#home = home
    this.address = address
    this.caPem = caPem
  }

  get rootToken(): string {
    return this.#rootToken
  }

  get unsealKey(): string {
    return this.#unsealKey
  }

  /**
   * @param path below `/v1/`.
   * @param token the root token by default; an empty one sends none.
   */
  request(method: string, path: string, body?: unknown, token = this.#rootToken): Promise<LoopbackResponse> {
    return send({
      url: `${this.address}/v1/${path}`,
      method,
      body,
      headers: token === '' ? {} : { 'x-vault-token': token },
      ...(this.caPem === undefined ? {} : { ca: this.caPem }),
    })
  }

  /** Like `request`. @throws unless the answer's status is 2xx. */
  async requestOrThrow(
    method: string,
    path: string,
    body?: unknown,
    token = this.#rootToken,
  ): Promise<LoopbackResponse> {
    const answer = await this.request(method, path, body, token)
    if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.text.trim()}`)
    return answer
  }

  /** Writes a version at `secret/<path>`. @param cas the version that must be the current one; 0: none may exist. */
  async kvWrite(path: string, data: Readonly<Record<string, unknown>>, cas?: number): Promise<KvAnswer> {
    const body = cas === undefined ? { data } : { data, options: { cas } }
    const { status, json } = await this.request('POST', `secret/data/${path}`, body)
    return kvAnswer(status, json['data'] as VersionMetadata | undefined)
  }

  /** Reads the current version of `secret/<path>`. */
  async kvRead(path: string): Promise<KvAnswer> {
    const { status, json } = await this.request('GET', `secret/data/${path}`)
    const answer = json['data'] as { data?: Record<string, unknown> | null; metadata?: VersionMetadata } | undefined
    const data = answer?.data ?? undefined
    return { ...kvAnswer(status, answer?.metadata), ...(data === undefined ? {} : { data }) }
  }

  /** @returns the metadata of `secret/<path>` as Vault answers it, or undefined when it has none. */
  async kvMetadata(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { json } = await this.request('GET', `secret/metadata/${path}`)
    return json['data'] as Record<string, unknown> | undefined
  }

  async seal(): Promise<void> {
    await this.requestOrThrow('PUT', 'sys/seal')
  }

  /** Unseals and waits until it serves requests. */
  async unseal(): Promise<void> {
    await this.requestOrThrow('PUT', 'sys/unseal', { key: this.#unsealKey })
    // 200 means unsealed and active; standby answers 429 until the single node has elected itself.
    await this.#until('active', async () => (await this.request('GET', 'sys/health')).status === 200)
  }

  /** SIGTERM and start again on the same port with its data; it is sealed then unless `unseal` is left true. */
  async restart({ unseal = true }: { readonly unseal?: boolean } = {}): Promise<void> {
    await this.#process?.stop()
    await this.start()
    if (unseal) await this.unseal()
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  /** Starts it after `kill`; it is sealed then. */
  async start(): Promise<void> {
    if (this.#process?.isRunning() === true) return
    this.#process = await ServerProcess.start({
      name: 'vault',
      home: this.#home,
      command: serverPath('vault'),
      args: ['server', `-config=${this.#home.path('vault.json')}`],
      ready: async () => (await this.request('GET', 'sys/seal-status')).status === 200,
      readyWithinMs,
    })
  }

  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void {
    this.#process?.pause()
  }

  resume(): void {
    this.#process?.resume()
  }

  /** Kills it and removes its data. Safe to call twice. */
  stop(): Promise<void> {
    return this.#home.remove()
  }

  /** Brings a new server into the state that `startVault` promises. */
  async initialize(): Promise<void> {
    await this.start()
    const { json } = await this.requestOrThrow('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
    const made = json as { readonly root_token: string; readonly keys_base64: readonly [string] }
    this.#rootToken = made.root_token
    this.#unsealKey = made.keys_base64[0]
    await this.unseal()
    await this.#registerKubernetesAuth()
    await this.requestOrThrow('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    // A new mount answers 400 while it prepares itself for versioned data.
    await this.#until(
      'ready for versioned data',
      async () => (await this.request('GET', 'secret/config')).status === 200,
    )
  }

  // Our own build has Kubernetes auth as a plugin; official executables have it inside.
  async #registerKubernetesAuth(): Promise<void> {
    const path = join(this.#home.path('plugins'), kubernetesPlugin)
    if (!existsSync(path)) return
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
    await this.requestOrThrow('PUT', 'sys/plugins/catalog/auth/kubernetes', { sha256, command: kubernetesPlugin })
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + readyWithinMs
    while (!(await holds().catch(() => false))) {
      if (Date.now() > deadline)
        throw new Error(`vault was not ${what} in time; its log:\n${this.#process?.logTail() ?? ''}`)
      await sleep(50)
    }
  }
}

interface VersionMetadata {
  readonly version?: number
}

function kvAnswer(status: number, metadata: VersionMetadata | undefined): KvAnswer {
  return { status, ...(metadata?.version === undefined ? {} : { version: metadata.version }) }
}

async function writeCertificates(home: ServerHome): Promise<Certificate> {
  const authority = await createAuthority(home.path('ca'), 'test-vault-ca')
  const names = [`IP:${loopback}`, 'DNS:localhost']
  await issueCertificate(home.path('vault'), { commonName: 'vault', alternativeNames: names }, authority)
  return authority
}

async function writeConfiguration(home: ServerHome, address: string): Promise<void> {
  const plugins = join(dirname(serverPath('vault')), kubernetesPlugin)
  mkdirSync(home.path('plugins'))
  if (existsSync(plugins)) copyFileSync(plugins, home.path('plugins', kubernetesPlugin))
  mkdirSync(home.path('raft'))
  const tls = address.startsWith('https:')
    ? { tls_cert_file: home.path('vault.crt'), tls_key_file: home.path('vault.key') }
    : { tls_disable: true }
  const configuration = {
    listener: [{ tcp: { address: new URL(address).host, ...tls } }],
    // Raft is the storage that Vault's minimal build and OpenBao have in common; alone it elects itself at once.
    storage: { raft: { path: home.path('raft'), node_id: 'test', performance_multiplier: 1 } },
    cluster_addr: `https://${loopback}:${await freePort()}`,
    api_addr: address,
    plugin_directory: home.path('plugins'),
    disable_mlock: true,
    log_level: 'info',
  }
  writeFileSync(home.path('vault.json'), JSON.stringify(configuration))
}
