import { afterEach, beforeEach, expect, test } from 'vitest'
import { KubernetesResourceSource } from '../../../src/adapters/kubernetes/resource-source.ts'
import type { Resource, ResourceKind } from '../../../src/domain/resources.ts'
import type { ResourceHandler } from '../../../src/ports/resource-source.ts'
import { eventually, transportTo } from '../../support/kube-test-bed.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { ScriptedApiServer } from '../../support/scripted-api-server.ts'

const api = '/apis/oauth-operator.dev/v1alpha1'
const kinds: readonly ResourceKind[] = [
  'Namespace',
  'OAuthProvider',
  'ClusterOAuthProvider',
  'TokenStore',
  'ClusterTokenStore',
  'OAuthCredential',
]

/** Holds the names of what it was told of, by kind. */
class Names implements ResourceHandler {
  readonly byKind = new Map<ResourceKind, Set<string>>()
  readonly replacements: ResourceKind[] = []

  replaced(kind: ResourceKind, resources: readonly Resource[]): void {
    this.replacements.push(kind)
    this.byKind.set(kind, new Set(resources.map(nameOf)))
  }

  upserted(kind: ResourceKind, resource: Resource): void {
    const names = this.byKind.get(kind) ?? new Set()
    this.byKind.set(kind, names.add(nameOf(resource)))
  }

  deleted(kind: ResourceKind, namespace: string | undefined, name: string): void {
    this.byKind.get(kind)?.delete(namespace === undefined ? name : `${namespace}/${name}`)
  }

  of(kind: ResourceKind): readonly string[] {
    return [...(this.byKind.get(kind) ?? [])].sort()
  }
}

function nameOf(resource: Resource): string {
  if (resource.type === 'namespace') return resource.name
  if (resource.type !== 'invalid-provider') throw new Error(`not in this test: ${resource.type}`)
  const { namespace, name } = resource.referent
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** Every object of ours becomes a referent with a name, which is all that the source looks at. */
function decode(raw: unknown): Resource | undefined {
  const { kind, metadata } = raw as { kind: string; metadata: { name: string; namespace?: string } }
  if (kind === 'Namespace') return { type: 'namespace', name: metadata.name, labels: {} }
  return { type: 'invalid-provider', kind: 'OAuthProvider', referent: { ...metadata, problems: [] } }
}

let server: ScriptedApiServer
const cleanups: (() => Promise<void>)[] = []

beforeEach(async () => {
  server = new ScriptedApiServer()
  await server.start()
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await server.stop()
})

function started(watchNamespaces: readonly string[] = []) {
  const bed = transportTo(server)
  const names = new Names()
  const { metrics, counts } = memoryMetrics()
  const { transport: client, clock, log: logger } = bed
  const random = (): number => 0.5
  const source = new KubernetesResourceSource({ client, decode, clock, random, logger, metrics, watchNamespaces })
  const stop = source.start(names)
  cleanups.push(async () => {
    await stop()
    await client.close()
  })
  return { source, names, counts, bed }
}

function put(plural: string, kind: string, name: string, namespace?: string): void {
  const scope = namespace === undefined ? '' : `namespaces/${namespace}/`
  const metadata = namespace === undefined ? { name } : { name, namespace }
  server.objects.put(`${api}/${scope}${plural}`, { kind, metadata })
}

test('every kind is listed once, and then it is synced', async () => {
  server.objects.put('/api/v1/namespaces', { kind: 'Namespace', metadata: { name: 'ci' } })
  put('clusteroauthproviders', 'ClusterOAuthProvider', 'gateway')
  const { source, names } = started()
  expect(source.synced()).toBe(false)
  await eventually('synced', () => source.synced())
  expect([...names.replacements].sort()).toEqual([...kinds].sort())
  expect(names.of('Namespace')).toEqual(['ci'])
  expect(names.of('ClusterOAuthProvider')).toEqual(['gateway'])
  expect([...source.lastByteAt().values()].every((at) => at !== undefined)).toBe(true)
})

test('built-in kinds are recognised in a list, whose items do not say their kind', async () => {
  server.objects.watchList = false
  server.objects.put('/api/v1/namespaces', { metadata: { name: 'ci' } })
  const { source, names } = started()
  await eventually('synced', () => source.synced())
  expect(names.of('Namespace')).toEqual(['ci'])
})

test('a kind that is not installed keeps it from being synced, until it is', async () => {
  let installed = false
  server.scriptWhile(
    ({ path }) => path.endsWith('/oauthcredentials'),
    () => (installed ? undefined : { status: 404 }),
  )
  const { source, counts } = started()
  await eventually('attempts', () => (counts.get('watchRestarted oauthcredentials http_404') ?? 0) > 2)
  expect(source.synced()).toBe(false)
  installed = true
  await eventually('synced', () => source.synced())
})

test('with namespaces given, namespaced kinds are watched in each of them and nowhere else', async () => {
  put('oauthcredentials', 'OAuthCredential', 'one', 'a')
  put('oauthcredentials', 'OAuthCredential', 'two', 'b')
  put('oauthcredentials', 'OAuthCredential', 'three', 'c')
  const { source, names } = started(['a', 'b'])
  await eventually('synced', () => source.synced())
  expect(names.of('OAuthCredential')).toEqual(['a/one', 'b/two'])
  expect(server.requests.map(({ path }) => path)).not.toContain(`${api}/oauthcredentials`)
  expect(server.requests.map(({ path }) => path)).toContain(`${api}/clustertokenstores`)
  expect(source.lastByteAt().has('oauthcredentials in a')).toBe(true)
})

test('what vanished from one namespace during an interruption is deleted, other namespaces stay', async () => {
  put('oauthcredentials', 'OAuthCredential', 'one', 'a')
  put('oauthcredentials', 'OAuthCredential', 'gone', 'a')
  put('oauthcredentials', 'OAuthCredential', 'two', 'b')
  const { source, names } = started(['a', 'b'])
  await eventually('synced', () => source.synced())
  server.objects.forgetWatches()
  server.objects.remove(`${api}/namespaces/a/oauthcredentials`, { metadata: { namespace: 'a', name: 'gone' } })
  server.objects.compact()
  put('oauthcredentials', 'OAuthCredential', 'new', 'a')
  server.breakConnections()
  await eventually('the new one', () => names.of('OAuthCredential').includes('a/new'))
  await eventually('the old one is gone', () => !names.of('OAuthCredential').includes('a/gone'))
  expect(names.of('OAuthCredential')).toEqual(['a/new', 'a/one', 'b/two'])
})
