import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { apiGroup, apiVersion, fieldManager } from '../../src/domain/names.ts'
import { type Cluster, startCluster } from '../servers/kube-apiserver.ts'
import { fleet, type FleetMember, namedObjects, type NamedObject } from './fleet.ts'
import {
  type BenchEndpoints,
  benchNamespace,
  credentialObject,
  loginSecretObject,
  providerObjects,
  recordObject,
  statusOf,
  storeObject,
  targetObject,
} from './objects.ts'
import type { UpstreamApi } from './protocol.ts'

const crds = 'deploy/crds'
const core = `/api/v1/namespaces/${benchNamespace}`
const own = `/apis/${apiGroup}/${apiVersion}/namespaces/${benchNamespace}`
/** Of the Secrets that hold what is known of refreshes. */
const recordType = `${apiGroup}/refresh-record`
const longestRenewalSeconds = 200
const apply = `?fieldManager=${fieldManager}&force=true`

/** A kube-apiserver with etcd, the CRDs, and the objects of the benchmark. */
export class RealCluster {
  readonly version: string
  readonly #cluster: Cluster
  readonly #pool: Pool

  private constructor(cluster: Cluster, version: string) {
    this.#cluster = cluster
    this.version = version
    this.#pool = new Pool(cluster.url, { connections: 16, connect: { ca: cluster.caPem } })
  }

  static async start(): Promise<RealCluster> {
    const cluster = await startCluster()
    try {
      const files = readdirSync(crds).flatMap((name) => ['-f', join(crds, name)])
      await cluster.kubectlOrThrow(['apply', '--server-side', ...files])
      await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=60s', ...files])
      const { json } = await cluster.request('GET', '/version')
      return new RealCluster(cluster, String(json['gitVersion']))
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  get token(): string {
    return this.#cluster.token()
  }

  get upstream(): UpstreamApi {
    return { url: this.#cluster.url, ca: this.#cluster.caPem }
  }

  /** Creates everything but the targets. */
  async create(count: number, endpoints: BenchEndpoints): Promise<readonly NamedObject[]> {
    await this.#call('POST', '/api/v1/namespaces', { metadata: { name: benchNamespace } })
    await this.#call('POST', `${core}/secrets`, loginSecretObject())
    for (const provider of providerObjects(endpoints)) await this.#call('POST', `${own}/oauthproviders`, provider)
    await this.#call('POST', `${own}/tokenstores`, storeObject(endpoints))
    return Promise.all(
      namedObjects(count).map(async ({ name, provider }) => {
        const created = (await this.#call('POST', `${own}/oauthcredentials`, credentialObject({ name, provider }))) as {
          readonly metadata: { readonly uid: string }
        }
        return { name, uid: created.metadata.uid, provider }
      }),
    )
  }

  /** Writes statuses, targets and records as an earlier controller would have left them. */
  async renew(objects: readonly NamedObject[]): Promise<readonly FleetMember[]> {
    // The writes take a while, on a busy machine a long one, and nothing may fall due before all of them are there.
    for (let roomSeconds = objects.length / 100 + 1; roomSeconds < longestRenewalSeconds; roomSeconds *= 2) {
      const beginAt = Date.now() / 1000 + roomSeconds
      const members = fleet(objects, beginAt)
      await this.#call('DELETE', `${core}/secrets?fieldSelector=type%3D${encodeURIComponent(recordType)}`, {})
      await Promise.all(members.map((member) => this.#renew(member)))
      const waitSeconds = beginAt - Date.now() / 1000
      if (waitSeconds < 0) continue
      await sleep(waitSeconds * 1000)
      return members
    }
    throw new Error('writing the statuses took so long that credentials fell due meanwhile')
  }

  async stop(): Promise<void> {
    await this.#pool.destroy()
    await this.#cluster.stop()
  }

  async #renew(member: FleetMember): Promise<void> {
    const target = targetObject(member)
    await this.#call('PATCH', `${core}/secrets/${target.metadata.name}${apply}`, target)
    await this.#call('POST', `${core}/secrets`, recordObject(member))
    const status = [{ op: 'add', path: '/status', value: statusOf(member) }]
    await this.#call('PATCH', `${own}/oauthcredentials/${member.name}/status?fieldManager=${fieldManager}`, status)
  }

  async #call(method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object): Promise<unknown> {
    const patch = Array.isArray(body) ? 'application/json-patch+json' : 'application/apply-patch+yaml'
    const answer = await this.#pool.request({
      method,
      path,
      headers: {
        authorization: `Bearer ${this.token}`,
        'content-type': method === 'PATCH' ? patch : 'application/json',
      },
      body: JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`)
    return JSON.parse(text)
  }
}
