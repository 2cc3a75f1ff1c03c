import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ManifestSecretReader, NoServiceAccounts } from '../../../src/adapters/files/manifest-secrets.ts'
import { ManifestDirectory } from '../../../src/adapters/files/manifest-source.ts'
import { SystemClock } from '../../../src/adapters/system/system-clock.ts'
import { decodeResource, unknownKindProblem } from '../../../src/api/decode.ts'
import { sourceOf } from '../../../src/domain/credential.ts'
import type { Resource, ResourceKind } from '../../../src/domain/resources.ts'
import type { ResourceHandler } from '../../../src/ports/resource-source.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { LogLines } from '../../support/memory-ports.ts'

/** Keeps what a source says, as `kind namespace/name`. */
class Told implements ResourceHandler {
  readonly objects = new Map<string, Resource>()
  readonly namespaces = new Map<string, unknown>()
  readonly deletions: string[] = []
  changes = 0

  replaced(kind: ResourceKind, resources: readonly Resource[]): void {
    for (const resource of resources) this.upserted(kind, resource)
  }

  upserted(_kind: ResourceKind, resource: Resource): void {
    this.changes += 1
    if (resource.type === 'namespace') this.namespaces.set(resource.name, resource.labels)
    else this.objects.set(nameOf(resource), resource)
  }

  deleted(kind: ResourceKind, namespace: string | undefined, name: string): void {
    this.deletions.push(`${kind} ${namespace}/${name}`)
    this.objects.delete(`${namespace}/${name}`)
  }
}

function nameOf(resource: Resource): string {
  if (resource.type === 'credential') return `${resource.credential.key.namespace}/${resource.credential.key.name}`
  if (resource.type === 'invalid-credential') return `invalid ${resource.credential.key.name}`
  if (resource.type === 'provider') return `${resource.provider.namespace}/${resource.provider.name}`
  return resource.type
}

function credential(name: string, key = 'login'): string {
  return `apiVersion: oauth-operator.dev/v1alpha1
kind: OAuthCredential
metadata: {name: ${name}, namespace: ci}
spec:
  providerRef: {name: server}
  refreshToken: {storeRef: {name: files}, key: ${key}}
  target: {name: ${name}-token}
`
}

const secretManifest = 'apiVersion: v1\nkind: Secret\nmetadata: {name: client, namespace: ci}\nstringData: {a: b}\n'

let directory: string
let stop: () => Promise<void> = () => Promise.resolve()
let log: LogLines
let told: Told
let source: ManifestDirectory

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'manifests-'))
  log = new LogLines()
  told = new Told()
  source = new ManifestDirectory({
    directory,
    decode: (raw) => decodeResource(raw),
    unknownKind: unknownKindProblem,
    statusOf: (_, name) => (name === 'known' ? { refreshes: 7 } : undefined),
    clock: new SystemClock(),
    logger: log,
    pollMs: 50,
    goneAfterMs: 150,
  })
})

afterEach(async () => {
  await stop()
  rmSync(directory, { recursive: true })
})

function write(file: string, text: string): void {
  writeFileSync(join(directory, file), text)
}

describe('ManifestDirectory', () => {
  it('reads every object of every file, several to a file, lists and folders too', async () => {
    write('a.yaml', `${credential('one')}---\n${credential('two')}`)
    mkdirSync(join(directory, 'more'))
    write('more/b.json', JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [JSON.parse(asJson('three'))] }))
    write('.hidden.yaml', credential('hidden'))
    write('notes.txt', 'not a manifest')
    stop = source.start(told)
    await vi.waitFor(() => expect(source.synced()).toBe(true))
    expect([...told.objects.keys()].sort()).toEqual(['ci/one', 'ci/three', 'ci/two'])
  })

  it('knows the namespaces that objects are in, and those that have a manifest as it says', async () => {
    write('a.yaml', credential('one'))
    stop = source.start(told)
    await vi.waitFor(() => expect(source.synced()).toBe(true))
    const named = { 'kubernetes.io/metadata.name': 'ci' }
    expect(told.namespaces).toEqual(new Map([['ci', named]]))
    write('n.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: ci, labels: {team: a}}\n')
    await vi.waitFor(() => expect(told.namespaces.get('ci')).toMatchObject({ team: 'a' }))
    rmSync(join(directory, 'n.yaml'))
    await vi.waitFor(() => expect(told.namespaces.get('ci')).toEqual(named))
    rmSync(join(directory, 'a.yaml'))
    await vi.waitFor(() =>
      expect(told.deletions.toSorted()).toEqual(['Namespace undefined/ci', 'OAuthCredential ci/one']),
    )
  })

  it('follows edits, additions and deletions', async () => {
    write('a.yaml', credential('one'))
    stop = source.start(told)
    await vi.waitFor(() => expect(told.objects.size).toBe(1))
    const before = generation('ci/one')
    write('a.yaml', credential('one', 'other-login'))
    write('b.yaml', credential('two'))
    await vi.waitFor(() => expect(told.objects.size).toBe(2))
    expect(generation('ci/one')).not.toBe(before)
    rmSync(join(directory, 'a.yaml'))
    await vi.waitFor(() => expect(told.deletions).toEqual(['OAuthCredential ci/one']))
  })

  it('does not take an editor for somebody who deletes', async () => {
    write('a.yaml', credential('one'))
    write('b.yaml', `${credential('two')}---\n${secretManifest}`)
    stop = source.start(told)
    await vi.waitFor(() => expect(told.objects.size).toBe(2))
    const reader = new ManifestSecretReader(() => source.secrets())
    for (let save = 0; save < 4; save += 1) {
      rmSync(join(directory, 'a.yaml'))
      write('b.yaml', '')
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect((await reader.read('ci', { name: 'client', key: 'a' })).ok).toBe(true)
      write('a.yaml', credential('one', `login-${save}`))
      write('moved.yaml', `${credential('two')}---\n${secretManifest}`)
      await vi.waitFor(() => expect(keyOf('ci/one')).toBe(`login-${save}`))
    }
    expect(told.deletions).toEqual([])
  })

  it('says nothing again while nothing changes', async () => {
    write('a.yaml', credential('one'))
    stop = source.start(told)
    await vi.waitFor(() => expect(told.objects.size).toBe(1))
    const { changes } = told
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(told.changes).toBe(changes)
  })

  it('keeps what a file last said while it does not parse, and names line and column once', async () => {
    write('a.yaml', credential('one'))
    stop = source.start(told)
    await vi.waitFor(() => expect(told.objects.size).toBe(1))
    const secret = canary('secret')
    write('a.yaml', `kind: Secret\nstringData: {password: "${secret}\n  oops: [`)
    await vi.waitFor(() => expect(log.lines).toHaveLength(1))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toMatch(/a\.yaml cannot be read: line \d+, column \d+/)
    expect(told.deletions).toEqual([])
  })

  it('takes the first of two manifests of one object, and says so', async () => {
    write('a.yaml', credential('one', 'first'))
    write('b.yaml', credential('one', 'second'))
    stop = source.start(told)
    await vi.waitFor(() => expect(log.lines).toHaveLength(1))
    const one = told.objects.get('ci/one')
    expect(one?.type === 'credential' && sourceOf(one.credential.spec)?.key).toBe('first')
    expect(log.lines[0]).toContain('b.yaml has a second manifest of OAuthCredential ci/one')
  })

  it('gives a credential the state that an earlier process left', async () => {
    write('a.yaml', credential('known'))
    stop = source.start(told)
    await vi.waitFor(() => expect(told.objects.size).toBe(1))
    const known = told.objects.get('ci/known')
    expect(known?.type === 'credential' && known.credential.state.refreshes).toBe(7)
  })

  it('reports a misspelt kind of our group', async () => {
    write('a.yaml', 'apiVersion: oauth-operator.dev/v1alpha1\nkind: OAuthCredentials\nmetadata: {name: one}\n')
    stop = source.start(told)
    await vi.waitFor(() => expect(log.lines).toHaveLength(1))
    expect(log.lines[0]).toContain('OAuthCredential')
  })

  it('waits for a directory that is not there yet', async () => {
    rmSync(directory, { recursive: true })
    stop = source.start(told)
    await vi.waitFor(() => expect(log.lines).toHaveLength(1))
    expect(source.synced()).toBe(false)
    mkdirSync(directory)
    write('a.yaml', credential('one'))
    await vi.waitFor(() => expect(told.objects.size).toBe(1))
  })

  it('reports an object without a name, once', async () => {
    write('a.yaml', 'apiVersion: oauth-operator.dev/v1alpha1\nkind: OAuthCredential\nspec: {}\n')
    stop = source.start(told)
    await vi.waitFor(() => expect(log.lines).toHaveLength(1))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toContain('a.yaml has an object without a kind or a metadata.name')
  })

  function keyOf(name: string): string | undefined {
    const resource = told.objects.get(name)
    if (resource?.type !== 'credential') throw new Error(`${name} is no credential`)
    return sourceOf(resource.credential.spec)?.key
  }

  function generation(name: string): number {
    const resource = told.objects.get(name)
    if (resource?.type !== 'credential') throw new Error(`${name} is no credential`)
    return resource.credential.generation
  }
})

describe('ManifestSecretReader', () => {
  it('reads data and stringData as they are at the moment, without a final line break', async () => {
    const value = canary('secret')
    const encoded = Buffer.from(`${value}\n`).toString('base64')
    write('s.yaml', `kind: Secret\nmetadata: {name: client}\ndata: {a: ${encoded}}\nstringData: {b: "${value}"}\n`)
    stop = source.start(told)
    await vi.waitFor(() => expect(source.synced()).toBe(true))
    const reader = new ManifestSecretReader(() => source.secrets())
    for (const key of ['a', 'b']) {
      const found = await reader.read(undefined, { name: 'client', key })
      expect(found.ok && found.value.reveal()).toBe(value)
    }
    rmSync(join(directory, 's.yaml'))
    await vi.waitFor(async () => {
      const gone = await reader.read('default', { name: 'client', key: 'a' })
      expect(!gone.ok && gone.failure.message).toContain('There is no manifest of Secret default/client.')
    })
  })

  it('names the key that is missing', async () => {
    const reader = new ManifestSecretReader(() => new Map([['ci/client', new Map()]]))
    const found = await reader.read('ci', { name: 'client', key: 'password' })
    expect(!found.ok && found.failure.message).toContain('The manifest of Secret ci/client has no key "password".')
  })

  it('has no ServiceAccounts', async () => {
    const found = await new NoServiceAccounts().token('ci', { name: 'agent' })
    expect(!found.ok && found.failure.code).toBe('STORE_LOGIN_REJECTED')
    observeOutput('failure', JSON.stringify(found))
  })
})

function asJson(name: string): string {
  return JSON.stringify({
    apiVersion: 'oauth-operator.dev/v1alpha1',
    kind: 'OAuthCredential',
    metadata: { name, namespace: 'ci' },
    spec: {
      providerRef: { name: 'server' },
      refreshToken: { storeRef: { name: 'files' }, key: 'login' },
      target: { name: `${name}-token` },
    },
  })
}
