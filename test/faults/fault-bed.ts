import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Pool } from 'undici'
import { type Cluster, startCluster } from '../servers/kube-apiserver.ts'
import { operatorRights } from '../servers/operator-rights.ts'
import { ServerHome } from '../servers/server-home.ts'
import type { Bundle } from './bundle.ts'
import { JournalPlace, leakedInto, Life } from './life.ts'
import { manifestOf } from './manifest-of.ts'
import { keyOf, type StorePlace } from './store-places.ts'
import type { StrictServer } from './strict-server.ts'

const credentialsNamespace = 'faults'
const operatorNamespace = 'oauth-credential-operator'
const account = 'oauth-credential-operator'
const group = '/apis/oauth-operator.dev/v1alpha1'

export interface FaultBedOptions {
  readonly bundle: Bundle
  readonly server: StrictServer
  readonly store: StorePlace
  readonly names: readonly string[]
  /** Where the operator finds the store; default: its own address. */
  readonly storeAddress?: string
  /** `spec.rotation` of the provider. */
  readonly rotation?: object
  /** `spec.refresh` of the credentials. */
  readonly refresh?: object
}

/** A Pod of the operator, as far as its objects and files go; its container may live several times. */
export interface OperatorPod {
  readonly name: string
  readonly uid: string
  readonly journal: JournalPlace
  readonly logFile: string
}

export interface LifeRequest {
  readonly pod: OperatorPod
  /** See controller-with-failpoints.ts; with one, that program is started. */
  readonly failpoint?: Readonly<Record<string, string>>
  /** What the command line begins with. */
  readonly launcher?: readonly string[]
}

/** A cluster with credentials whose refresh tokens rotate every second or two. */
export class FaultBed {
  readonly cluster: Cluster
  readonly options: FaultBedOptions
  readonly #home = new ServerHome('faults')
  readonly #lives: Life[] = []
  readonly #logFiles = new Set<string>()
  readonly #pool: Pool
  readonly #serviceAccount: string
  #pods = 0

  private constructor(options: FaultBedOptions, cluster: Cluster, token: string) {
    this.options = options
    this.cluster = cluster
    this.#pool = new Pool(cluster.url, { connections: 8, connect: { ca: cluster.caPem } })
    this.#serviceAccount = this.#home.path('serviceaccount')
    mkdirSync(this.#serviceAccount)
    const files = { token, 'ca.crt': cluster.caPem, namespace: operatorNamespace }
    for (const [name, content] of Object.entries(files)) writeFileSync(join(this.#serviceAccount, name), content)
  }

  static async start(options: FaultBedOptions): Promise<FaultBed> {
    const cluster = await startCluster()
    try {
      await cluster.kubectlOrThrow(['apply', '--server-side', '-f', 'deploy/crds'])
      await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=60s', '-f', 'deploy/crds'])
      for (const name of [operatorNamespace, credentialsNamespace])
        await cluster.kubectlOrThrow(['create', 'namespace', name])
      const rights = JSON.stringify(operatorRights(operatorNamespace, account))
      await cluster.kubectlOrThrow(['apply', '-f', '-'], rights)
      const token = await cluster.serviceAccountToken(operatorNamespace, account, 6 * 3600)
      const bed = new FaultBed(options, cluster, token)
      await bed.#applyObjects()
      return bed
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** Makes a Pod object, which nothing runs but us. */
  async newPod(): Promise<OperatorPod> {
    this.#pods += 1
    const name = `operator-${this.#pods}`
    const pod = {
      metadata: { name },
      spec: { serviceAccountName: account, containers: [{ name: 'operator', image: 'operator' }] },
    }
    const made = await this.cluster.request('POST', `/api/v1/namespaces/${operatorNamespace}/pods`, pod)
    if (made.status !== 201) throw new Error(`the Pod ${name} was not made: ${made.status} ${made.text}`)
    const { uid } = made.json['metadata'] as { readonly uid: string }
    const logFile = this.#home.path(`${name}.log`)
    this.#logFiles.add(logFile)
    return { name, uid, logFile, journal: new JournalPlace(this.#home.path(name, 'journal')) }
  }

  /** A Secret of nobody's, beside the operator's. */
  async writeSecret(name: string, data: string): Promise<void> {
    const secrets = `/api/v1/namespaces/${operatorNamespace}/secrets`
    const secret = { metadata: { name }, stringData: { data } }
    const put = await this.cluster.request('PUT', `${secrets}/${name}`, secret)
    const { status, text } = put.status === 404 ? await this.cluster.request('POST', secrets, secret) : put
    if (status !== 200 && status !== 201) throw new Error(`the Secret ${name} was not written: ${status} ${text}`)
  }

  /** What is left of a Pod whose node is gone: no journal, and, once somebody has seen it, no object. */
  async losePod(pod: OperatorPod): Promise<void> {
    pod.journal.remove()
    const path = `/api/v1/namespaces/${operatorNamespace}/pods/${pod.name}`
    await this.cluster.request('DELETE', path, { gracePeriodSeconds: 0 })
    await this.forgetLease()
  }

  /** What waiting for its end would do, in less time. Nobody may hold it. */
  async forgetLease(): Promise<void> {
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${operatorNamespace}/leases`
    await this.cluster.request('DELETE', `${leases}/oauth-credential-operator`)
  }

  /** Whether a life of a Pod has logged something; its earlier lives do not count. */
  hasLogged({ logFile }: OperatorPod, text: string, life: Life): boolean {
    return readFileSync(logFile).subarray(life.logBegan).includes(text)
  }

  live({ pod, failpoint, launcher }: LifeRequest): Life {
    const { hostname, port } = new URL(this.cluster.url)
    const { bundle, store } = this.options
    const life = new Life({
      program: failpoint === undefined ? bundle.main : bundle.withFailpoints,
      args: [
        'controller',
        `--service-account-directory=${this.#serviceAccount}`,
        `--namespace=${operatorNamespace}`,
        `--identity=${pod.name}`,
        `--journal=${pod.journal.directory}`,
        '--metrics-address=127.0.0.1:0',
        '--health-address=127.0.0.1:0',
        '--log-level=debug',
        '--allow-private-addresses',
        ...store.flags,
      ],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: this.#home.directory,
        NODE_COMPILE_CACHE: this.#home.path('compile-cache'),
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        // As the downward API gives them.
        POD_NAME: pod.name,
        POD_UID: pod.uid,
        ...failpoint,
      },
      logFile: pod.logFile,
      ...(launcher && { launcher }),
    })
    this.#lives.push(life)
    return life
  }

  /** Fingerprints of the refresh tokens that are kept, sealed, in the records of refreshes. */
  async retained(): Promise<ReadonlySet<string>> {
    const query = `fieldSelector=${encodeURIComponent('type=oauth-operator.dev/refresh-record')}`
    const text = await this.#get(`/api/v1/namespaces/${operatorNamespace}/secrets?${query}`)
    const { items } = JSON.parse(text) as { readonly items: readonly RecordSecret[] }
    const sealed = items.filter(({ data }) => data?.['sealed'] !== undefined)
    return new Set(sealed.flatMap(({ metadata }) => retainedIn(metadata.annotations?.[recordAnnotation]) ?? []))
  }

  /** Asks for a refresh now, as a person does. */
  async requestRefreshes(names: readonly string[]): Promise<void> {
    const headers = { authorization: `Bearer ${this.cluster.token()}`, 'content-type': 'application/merge-patch+json' }
    const annotations = { 'oauth-operator.dev/refresh-requested-at': new Date().toISOString() }
    const payload = JSON.stringify({ metadata: { annotations } })
    const path = (name: string): string => `${group}/namespaces/${credentialsNamespace}/oauthcredentials/${name}`
    await Promise.all(
      names.map(async (name) => {
        const request = { method: 'PATCH', path: path(name), headers, body: payload } as const
        const { statusCode, body } = await this.#pool.request(request)
        await body.dump()
        if (statusCode !== 200) throw new Error(`asking for a refresh of ${name} was answered ${statusCode}`)
      }),
    )
  }

  /** Statuses by name. */
  async statuses(): Promise<ReadonlyMap<string, CredentialStatus>> {
    const text = await this.#get(`${group}/namespaces/${credentialsNamespace}/oauthcredentials`)
    const { items } = JSON.parse(text) as { readonly items: readonly CredentialObject[] }
    return new Map(items.map(({ metadata, status }) => [metadata.name, { uid: metadata.uid, ...status }]))
  }

  /** The last lines that were logged. */
  logTail(lines = 15): string {
    const file = [...this.#logFiles].at(-1)
    return file === undefined ? '' : readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }

  /** Log lines, of all lives, that hold a token. */
  leaks(): number {
    return [...this.#logFiles].reduce((total, file) => total + leakedInto(file), 0)
  }

  async stop(): Promise<void> {
    for (const life of this.#lives) if (!life.isOver) await life.kill()
    await this.#pool.destroy()
    await this.#home.remove()
    await this.cluster.stop()
  }

  async #get(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.cluster.token()}` }
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path, headers })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${path} was answered ${statusCode}`)
    return text
  }

  async #applyObjects(): Promise<void> {
    const { server, store, names, storeAddress, rotation, refresh } = this.options
    for (const name of names) await store.write(name, server.families.logIn(name))
    const secrets = Object.entries(store.logins).map(([name, stringData]) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: credentialsNamespace },
      stringData,
    }))
    const provider = manifestOf('OAuthProvider', credentialsNamespace, 'server', {
      tokenEndpoint: server.tokenEndpoint,
      client: { id: 'faults', authentication: 'none' },
      limits: { requestsPerSecond: 1000, maxConcurrent: 256 },
      tls: { caBundle: server.ca },
      ...(rotation !== undefined && { rotation }),
    })
    const credentials = names.map((name) =>
      manifestOf('OAuthCredential', credentialsNamespace, name, {
        providerRef: { name: 'server' },
        refreshToken: { storeRef: { name: 'store' }, key: keyOf(name) },
        target: { name: `${name}-token` },
        ...(refresh !== undefined && { refresh }),
      }),
    )
    const items = [...secrets, provider, store.manifest(credentialsNamespace, storeAddress), ...credentials]
    await this.cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  }
}

export interface CredentialStatus {
  readonly uid: string
  readonly refreshes?: number
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
  readonly lastFailure?: { readonly code: string; readonly message: string }
}

const recordAnnotation = 'oauth-operator.dev/refresh-record'

interface RecordSecret {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly data?: Readonly<Record<string, string>>
}

function retainedIn(record = '{}'): string | undefined {
  return (JSON.parse(record) as { readonly retained?: { readonly fingerprint: string } }).retained?.fingerprint
}

interface CredentialObject {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly status?: Omit<CredentialStatus, 'uid'>
}
