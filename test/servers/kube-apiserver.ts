import { startEtcd } from './etcd.ts'
import type { Etcd } from './etcd.ts'
import type { Certificate } from './certificates.ts'
import { ApiServerFiles } from './kube-apiserver-files.ts'
import { runKubectl } from './kubectl.ts'
import type { KubectlResult } from './kubectl.ts'
import { freePort, loopback, send } from './loopback.ts'
import type { LoopbackResponse } from './loopback.ts'
import { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { serverPath } from './server-source.ts'

export interface ClusterOptions {
  /** Name to groups of further users with a bearer token; `admin` is always there. RBAC grants them nothing yet. */
  readonly users?: Readonly<Record<string, readonly string[]>>
  /** Further arguments of kube-apiserver, for example an audit log or lower in-flight limits. */
  readonly apiServerArguments?: readonly string[]
}

export interface RestartOptions {
  /** Every bearer token is replaced; the old ones get 401. Service account tokens and client certificates stay valid. */
  readonly rotateTokens?: boolean
  /** The serving certificate comes from a new authority; `caFile` and the admin kubeconfig are rewritten. */
  readonly newCa?: boolean
}

const readyWithinMs = 60_000

/**
 * Starts etcd and a kube-apiserver on a free port of 127.0.0.1, with RBAC and API Priority and Fairness on.
 * No controller runs: nothing makes default service accounts, collects garbage, removes namespaces or runs pods.
 * @throws with the end of the log of whichever server did not become ready.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const home = new ServerHome('cluster')
  try {
    const files = new ApiServerFiles(home, { ...options.users, admin: ['system:masters'] })
    const [etcd, certificate, port] = await Promise.all([startEtcd(home), files.create(), freePort()])
    const url = `https://${loopback}:${port}`
    const cluster = new Cluster({ home, files, etcd, certificate, url, extra: options.apiServerArguments ?? [] })
    await cluster.startApiServer()
    return cluster
  } catch (error) {
    await home.remove()
    throw error
  }
}

interface ClusterParts {
  readonly home: ServerHome
  readonly files: ApiServerFiles
  readonly etcd: Etcd
  readonly certificate: Certificate
  readonly url: string
  readonly extra: readonly string[]
}

/** A running control plane of etcd and kube-apiserver. */
export class Cluster {
  /** Stays the same over restarts. */
  readonly url: string
  /** Holds the authority of the serving certificate. */
  readonly caFile: string
  /** Path of a kubeconfig that logs in with a client certificate of `system:masters`; survives token rotation. */
  readonly adminKubeconfig: string
  readonly etcd: ServerProcess
  readonly #parts: ClusterParts
  #apiServer: ServerProcess | undefined

  constructor(parts: ClusterParts) {
    this.#parts = parts
    this.url = parts.url
    this.etcd = parts.etcd.process
    this.caFile = parts.files.caFile
    this.adminKubeconfig = this.#writeAdminKubeconfig()
  }

  get caPem(): string {
    return this.#parts.files.caPem()
  }

  /** What a verifier of service account tokens needs to know. */
  get serviceAccountIssuer(): { readonly url: string; readonly publicKeyPem: string } {
    return { url: this.url, publicKeyPem: this.#parts.files.serviceAccountPublicKeyPem() }
  }

  /** @returns the bearer token that the API server accepts for a user since its last start. */
  token(user = 'admin'): string {
    return this.#parts.files.token(user)
  }

  /** @returns the path of a kubeconfig that logs in with a bearer token, for example a service account's. */
  writeKubeconfig(name: string, token: string): string {
    return this.#parts.files.writeKubeconfig(name, this.url, { token })
  }

  /** Runs kubectl as admin; never rejects for an exit code. */
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlResult> {
    return runKubectl(this.adminKubeconfig, args, stdin)
  }

  /** Runs kubectl as admin. @throws with what it printed when it fails. @returns its standard output. */
  async kubectlOrThrow(args: readonly string[], stdin?: string): Promise<string> {
    const { stdout, stderr, code } = await this.kubectl(args, stdin)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr.trim()}`)
    return stdout
  }

  /** One request, as admin unless another bearer token is given. */
  request(method: string, path: string, body?: unknown, token = this.token()): Promise<LoopbackResponse> {
    return send({
      url: `${this.url}${path}`,
      method,
      body,
      ca: this.caPem,
      headers: { authorization: `Bearer ${token}` },
    })
  }

  /**
   * Issues a token of a service account, which is made first if need be.
   * @param seconds its life, at least 600.
   */
  async serviceAccountToken(namespace: string, name: string, seconds = 3600): Promise<string> {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
    const made = await this.request('POST', accounts, { metadata: { name } })
    if (made.status !== 201 && made.status !== 409)
      throw new Error(`no service account ${namespace}/${name}: ${made.text}`)
    const answer = await this.request('POST', `${accounts}/${name}/token`, { spec: { expirationSeconds: seconds } })
    const status = answer.json['status'] as { readonly token?: string } | undefined
    if (answer.status !== 201 || status?.token === undefined)
      throw new Error(`no token for ${namespace}/${name}: ${answer.status}`)
    return status.token
  }

  /** @returns whether both processes are there; a paused one is. */
  isRunning(): boolean {
    return this.etcd.isRunning() && this.#apiServer?.isRunning() === true
  }

  /** Starts the API server after `killApiServer`. @throws with the end of its log when it is not ready within 60 s. */
  async startApiServer(): Promise<void> {
    if (this.#apiServer?.isRunning() === true) return
    const { home, files, etcd, extra } = this.#parts
    this.#apiServer = await ServerProcess.start({
      name: 'kube-apiserver',
      home,
      command: serverPath('kube-apiserver'),
      args: [...files.arguments(this.url, etcd.url), ...extra],
      // Anonymous, so that it also waits for the RBAC rules, which are among the last things to be there.
      ready: async () => (await send({ url: `${this.url}/readyz`, ca: this.caPem, timeoutMs: 2000 })).status === 200,
      readyWithinMs,
    })
  }

  /** SIGKILL. */
  async killApiServer(): Promise<void> {
    await this.#apiServer?.kill()
  }

  /** SIGTERM and start again on the same port; objects stay. */
  async restartApiServer(options: RestartOptions = {}): Promise<void> {
    await this.#apiServer?.stop()
    if (options.rotateTokens === true) this.#parts.files.renewTokens()
    if (options.newCa === true) {
      await this.#parts.files.renewCa()
      this.#writeAdminKubeconfig()
    }
    await this.startApiServer()
  }

  /** SIGSTOP: connections stay open, nothing answers. */
  pauseApiServer(): void {
    this.#apiServer?.pause()
  }

  resumeApiServer(): void {
    this.#apiServer?.resume()
  }

  /** @returns the last lines of the API server's log. */
  apiServerLog(lines?: number): string {
    return this.#apiServer?.logTail(lines) ?? ''
  }

  /** Kills both servers and removes their data. Safe to call twice. */
  stop(): Promise<void> {
    return this.#parts.home.remove()
  }

  #writeAdminKubeconfig(): string {
    return this.#parts.files.writeKubeconfig('admin', this.url, { certificate: this.#parts.certificate })
  }
}
