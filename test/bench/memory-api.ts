import type { ServerResponse } from 'node:http'
import { apiGroup, apiVersion, groupVersion } from '../../src/domain/names.ts'
import { answer, type ApiCall, type BenchApi, lastPart, send } from './api-call.ts'
import type { FleetMember } from './fleet.ts'
import { MemorySecrets } from './memory-secrets.ts'
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
import { inChunks, openWatch } from './open-watch.ts'
import { accountOf, eventLine, fieldsOf, type Json, metadataOf, type StoredObject } from './stored-object.ts'

const credentialsPath = `/apis/${apiGroup}/${apiVersion}/oauthcredentials`
/** Its uid tells one installation from another. */
const installationPath = '/api/v1/namespaces/kube-system'
const installation = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'kube-system', uid: '00000000-0000-4000-8000-000000000000', resourceVersion: '1' },
}
/**
 * As much of an API server as the controller asks for, from memory: lists by WatchList, watches that
 * echo every status write as a real one does, a Lease with compare-and-swap, and Secrets.
 */
export class MemoryApi implements BenchApi {
  readonly #fixed: ReadonlyMap<string, readonly string[]>
  readonly #credentials = new Map<string, StoredObject>()
  readonly #secrets: MemorySecrets
  readonly #watchers = new Set<ServerResponse>()
  /** The initial state as it goes over the wire, so that a start measures the controller and not this server. */
  #initial: readonly string[] = []
  #lease: Json | undefined
  #version = 1_000_000

  constructor(endpoints: BenchEndpoints) {
    this.#secrets = new MemorySecrets({ now: () => String(this.#version), next: () => this.#nextVersion() })
    const path = `/apis/${apiGroup}/${apiVersion}`
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: benchNamespace, labels: {} } }
    this.#fixed = new Map([
      ['/api/v1/namespaces', [added(this.#stored(namespace, 'namespace'))]],
      [
        `${path}/oauthproviders`,
        providerObjects(endpoints).map((object, index) => added(this.#stored(object, `provider-${index}`))),
      ],
      [`${path}/tokenstores`, [added(this.#stored(storeObject(endpoints), 'store'))]],
      [`${path}/clusteroauthproviders`, []],
      [`${path}/clustertokenstores`, []],
    ])
  }

  replace(members: readonly FleetMember[]): void {
    this.#secrets.clear()
    this.#credentials.clear()
    this.#secrets.add(this.#stored(loginSecretObject(), 'login'))
    for (const member of members) this.#add(member)
    this.#initial = inChunks([...this.#credentials.values()].map(added))
  }

  handle(call: ApiCall): void {
    const { url, request, response } = call
    if (url.pathname.includes('/secrets')) return this.#secrets.handle(call)
    if (url.searchParams.get('watch') === 'true') return this.#watch(url, response)
    if (url.pathname.includes('/leases')) return this.#leaseCall(call)
    if (url.pathname === installationPath) return answer(response, installation)
    if (request.method === 'GET') return this.#get(url, response)
    if (request.method === 'PATCH' && url.pathname.endsWith('/status')) return this.#patchStatus(call)
    return send(response, 201, {})
  }

  /** Nobody asks for more of a credential than whether it is there. */
  #get({ pathname }: URL, response: ServerResponse): void {
    const credential = this.#credentials.get(lastPart(pathname))
    return answer(response, credential && metadataOf(credential))
  }

  #add(member: FleetMember): void {
    const { name, uid } = member
    const status = statusOf(member)
    const managedFields = [
      accountOf('Update', groupVersion, { status: fieldsOf(status) }, 'status'),
      accountOf('Apply', groupVersion, { spec: fieldsOf(credentialObject(member).spec) }),
    ]
    const object = this.#stored({ ...credentialObject(member), status }, uid)
    this.#credentials.set(name, { ...object, metadata: { ...object.metadata, managedFields } })
    this.#secrets.add(this.#secrets.applied(targetObject(member), `target-${uid}`))
    if (member.provider !== 'rotating') return
    this.#secrets.add(this.#stored(recordObject(member), `record-${uid}`))
  }

  #stored(object: object, uid: string): StoredObject {
    const { metadata } = object as StoredObject
    const creationTimestamp = '2026-01-01T00:00:00Z'
    const added = { uid, generation: 1, resourceVersion: this.#nextVersion(), creationTimestamp }
    return { ...object, metadata: { ...metadata, ...added } }
  }

  #nextVersion(): string {
    this.#version += 1
    return String(this.#version)
  }

  #watch({ pathname, searchParams }: URL, response: ServerResponse): void {
    const isCredentials = pathname === credentialsPath
    const events = isCredentials ? this.#initial : (this.#fixed.get(pathname) ?? [])
    const initial = searchParams.get('sendInitialEvents') === 'true' ? events : undefined
    openWatch(response, { initial, version: () => String(this.#version) })
    if (!isCredentials) return
    this.#watchers.add(response)
    response.on('close', () => this.#watchers.delete(response))
  }

  #patchStatus({ url, body, response, ofFloor }: ApiCall): void {
    const name = lastPart(url.pathname.slice(0, -'/status'.length))
    const known = this.#credentials.get(name)
    if (known === undefined || ofFloor) return answer(response, known && metadataOf(known))
    const operations = JSON.parse(body) as readonly { readonly path: string; readonly value: unknown }[]
    const status = operations.find(({ path }) => path === '/status')?.value
    const next = { ...known, status, metadata: { ...known.metadata, resourceVersion: this.#nextVersion() } }
    this.#credentials.set(name, next)
    send(response, 200, metadataOf(next))
    const event = eventLine('MODIFIED', next)
    for (const watcher of this.#watchers) watcher.write(event)
  }

  #leaseCall({ request, body, response }: ApiCall): void {
    if (request.method === 'GET') return answer(response, this.#lease)
    const lease = JSON.parse(body) as { metadata: object }
    this.#lease = { ...lease, metadata: { ...lease.metadata, uid: 'lease', resourceVersion: this.#nextVersion() } }
    return send(response, request.method === 'POST' ? 201 : 200, this.#lease)
  }
}

function added(object: object): string {
  return eventLine('ADDED', object)
}
