import { beforeEach, describe, expect, it, test } from 'vitest'
import { ResourceIndex } from '../../../src/app/resource-index.ts'
import type { Credential, RefreshTokenSource } from '../../../src/domain/credential.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import type {
  AwsSecretsManagerBackend,
  StoreBackend,
  TokenStore,
  VaultBackend,
} from '../../../src/domain/token-store.ts'
import { aCredential, aStore, type CredentialChanges, inSeconds, noon } from '../../support/builders.ts'

let index: ResourceIndex
let told: string[]

beforeEach(() => {
  told = []
  index = new ResourceIndex(({ namespace, name }) => told.push(`${namespace}/${name}`))
})

function put(credential: Credential): Credential {
  index.upserted('OAuthCredential', { type: 'credential', credential })
  return credential
}

function putInvalid({ key, uid, generation, deleting, finalized, state }: Credential): void {
  const credential = { key, uid, generation: generation + 1, deleting, finalized, state, problems: [] }
  index.upserted('OAuthCredential', { type: 'invalid-credential', credential })
}

function putStore(store: TokenStore): void {
  index.upserted(store.kind, { type: 'store', store })
}

function remove({ key }: Credential): void {
  index.deleted('OAuthCredential', key.namespace, key.name)
}

/** What is told by `change`, in order of names. */
function toldBy(change: () => void): readonly string[] {
  told = []
  change()
  return [...new Set(told)].toSorted()
}

const source: RefreshTokenSource = { store: { kind: 'TokenStore', name: 'vault' }, key: 'teams/ci/claude' }

function named(
  name: string,
  changes: CredentialChanges = {},
  at: Partial<RefreshTokenSource> = {},
): ReturnType<typeof aCredential> {
  const key = { namespace: 'ci', name }
  const target = { ...aCredential().spec.target, name: `${name}-token` }
  return aCredential({ key, uid: `uid-${name}`, ...changes, spec: { refreshToken: { ...source, ...at }, target } })
}

function clusterStore(name: string, backend: StoreBackend): TokenStore {
  const { namespace: _, ...store } = aStore({ kind: 'ClusterTokenStore', name, backend })
  return store
}

function inStore(name: string): Partial<RefreshTokenSource> {
  return { store: { kind: 'ClusterTokenStore', name } }
}

const vault: VaultBackend = {
  type: 'vault',
  address: 'https://vault.example:8200',
  namespace: 'admin',
  mount: 'secret',
  tls: {},
  auth: { method: 'token', secretRef: { name: 'login', key: 'token' } },
}
const aws: AwsSecretsManagerBackend = {
  type: 'awsSecretsManager',
  region: 'eu-central-1',
  minimumWriteIntervalSeconds: 600,
}
const { namespace: _, ...vaultWithoutNamespace } = vault

describe('of two credentials', () => {
  const older = { createdAt: inSeconds(-60) }

  it('the older one is first, whatever its name', () => {
    const first = put(named('z', older))
    const second = put(named('a'))
    expect(index.firstAt(second)?.key.name).toBe('z')
    expect(index.firstAt(first)).toBeUndefined()
  })

  it.each([
    ['name', named('a'), named('b')],
    ['namespace', named('b', { key: { namespace: 'ca', name: 'b' } }), named('a')],
  ])('of one age the one is first whose %s sorts first', (__, first, second) => {
    putStore(clusterStore('shared', vault))
    const [one, other] = [second, first].map((credential) =>
      put({ ...credential, spec: { ...credential.spec, refreshToken: { ...source, ...inStore('shared') } } }),
    )
    if (one === undefined || other === undefined) throw new Error('both are there')
    expect(index.firstAt(one)?.key).toEqual(first.key)
    expect(index.firstAt(other)).toBeUndefined()
  })

  it('one that is being deleted is not first', () => {
    const leaving = put(named('a', { ...older, deleting: true }))
    const staying = put(named('b'))
    expect(index.firstAt(staying)).toBeUndefined()
    expect(index.firstAt(leaving)?.key.name).toBe('b')
  })

  it('one whose spec is unusable is not first', () => {
    const first = put(named('a', older))
    const second = put(named('b'))
    putInvalid(first)
    expect(index.firstAt(second)).toBeUndefined()
  })

  it('a namesake that came later is another one', () => {
    const gone = { ...put(named('a')), deleting: true }
    put(named('a', { uid: 'uid-of-the-next' }))
    expect(index.firstAt(gone)?.uid).toBe('uid-of-the-next')
  })

  it('one that nothing is known of stands before none', () => {
    expect(index.firstAt(named('a'))).toBeUndefined()
  })
})

describe('a store document', () => {
  it('is shared by those who name another property of it, through whatever store', () => {
    putStore(aStore({ name: 'vault', backend: { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 900 } }))
    const [one, other] = [named('a', {}, { property: '/a' }), named('b', {}, { property: '/b' })]
    const elsewhere = named('c', {}, { key: 'teams/ci/other', property: '/a' })
    for (const credential of [one, other, elsewhere, named('d', {}, { property: '/b' })]) put(credential)
    expect([one, other, elsewhere].map((credential) => index.tokensBeside(credential))).toEqual([2, 2, 1])
    remove(one)
    expect(index.tokensBeside(other)).toBe(1)
  })
})

test('of three credentials the last two stand behind the same one', () => {
  const [first, second, third] = ['c', 'b', 'a'].map((name, age) => put(named(name, { createdAt: inSeconds(age) })))
  if (first === undefined || second === undefined || third === undefined) throw new Error('all are there')
  expect(index.firstAt(third)?.key.name).toBe('c')
  expect(index.firstAt(second)?.key.name).toBe('c')
  remove(first)
  expect(index.firstAt(third)?.key.name).toBe('b')
  expect(index.firstAt(second)).toBeUndefined()
})

describe('two refresh tokens', () => {
  function areOne(one: StoreBackend, other: StoreBackend, at: Partial<RefreshTokenSource> = {}): boolean {
    putStore(clusterStore('one', one))
    putStore(clusterStore('other', other))
    put(named('a', {}, inStore('one')))
    return index.firstAt(put(named('b', {}, { ...inStore('other'), ...at }))) !== undefined
  }

  test.each<[string, StoreBackend, StoreBackend]>([
    ['in one Vault, by other logins', vault, { ...vault, auth: { method: 'kubernetes', mount: 'k8s', role: 'ci' } }],
    ['in one Vault, its address with and without slash', vault, { ...vault, address: `${vault.address}/` }],
    ['in one region', aws, { ...aws }],
    ['at one endpoint', { ...aws, endpoint: 'https://aws.example' }, { ...aws, endpoint: 'https://aws.example/' }],
    ['in Secrets of one namespace', { type: 'kubernetes' }, { type: 'kubernetes' }],
    ['in one directory', { type: 'file', directory: '/store' }, { type: 'file', directory: '/store/' }],
    ['in the root', { type: 'file', directory: '/' }, { type: 'file', directory: '/' }],
  ])('are one %s', (__, one, other) => {
    expect(areOne(one, other)).toBe(true)
  })

  test.each<[string, StoreBackend, StoreBackend]>([
    ['in two Vaults', vault, { ...vault, address: 'https://other.example:8200' }],
    ['at two mounts', vault, { ...vault, mount: 'kv' }],
    ['in two Vault namespaces', vault, { ...vault, namespace: 'admin/ci' }],
    ['in the root namespace and another one', vault, vaultWithoutNamespace],
    ['in two regions', aws, { ...aws, region: 'us-east-1' }],
    ['at two endpoints', aws, { ...aws, endpoint: 'https://aws.example' }],
    ['in two directories', { type: 'file', directory: '/one' }, { type: 'file', directory: '/other' }],
    ['in two kinds of backend', vault, { type: 'kubernetes' }],
  ])('are two %s', (__, one, other) => {
    expect(areOne(one, other)).toBe(false)
  })

  test.each<[string, Partial<RefreshTokenSource>]>([
    ['keys', { key: 'teams/ci/other' }],
    ['properties, one of them not said', { property: '/refresh_token' }],
  ])('are two at other %s', (__, at) => {
    expect(areOne(vault, vault, at)).toBe(false)
  })

  it('are two in Secrets of two namespaces', () => {
    putStore(clusterStore('secrets', { type: 'kubernetes' }))
    put(named('a', {}, inStore('secrets')))
    const elsewhere = put(named('b', { key: { namespace: 'cd', name: 'b' } }, inStore('secrets')))
    expect(index.firstAt(elsewhere)).toBeUndefined()
  })

  it('are one by their reference while there is no store', () => {
    put(named('a', {}, inStore('missing')))
    put(named('a', { key: { namespace: 'ca', name: 'a' }, uid: 'uid-ca' }))
    const sameReference = put(named('b', {}, inStore('missing')))
    const otherReference = put(named('c', {}, inStore('other')))
    const namesakeElsewhere = put(named('d'))
    expect(index.firstAt(sameReference)?.key.name).toBe('a')
    expect(index.firstAt(otherReference)).toBeUndefined()
    expect(index.firstAt(namesakeElsewhere)).toBeUndefined()
  })

  it('are one by their reference while the store is invalid', () => {
    const referent = { name: 'broken', problems: [] }
    index.upserted('ClusterTokenStore', { type: 'invalid-store', kind: 'ClusterTokenStore', referent })
    put(named('a', {}, inStore('broken')))
    expect(index.firstAt(put(named('b', {}, inStore('broken'))))?.key.name).toBe('a')
  })
})

describe('those who stand behind are told', () => {
  let first: Credential

  beforeEach(() => {
    putStore(clusterStore('one', vault))
    putStore(clusterStore('other', { ...vault, mount: 'kv' }))
    first = put(named('a', { createdAt: inSeconds(-60) }, inStore('one')))
    put(named('b', {}, inStore('one')))
    put(named('c', {}, inStore('one')))
    put(named('d', {}, inStore('other')))
  })

  const all = ['ci/a', 'ci/b', 'ci/c']

  it('when the first one is gone', () => {
    expect(toldBy(() => remove(first))).toEqual(all)
  })

  it('when a list comes without the first one', () => {
    const others = ['b', 'c', 'd'].map((name) => index.credential({ namespace: 'ci', name }))
    const resources = others.filter((resource) => resource !== undefined)
    expect(toldBy(() => index.replaced('OAuthCredential', resources))).toEqual(all)
  })

  it('when the first one begins to be deleted', () => {
    expect(toldBy(() => put({ ...first, deleting: true }))).toEqual(all)
  })

  it('when the first one cannot be acted on any more', () => {
    expect(toldBy(() => putInvalid(first))).toEqual(all)
  })

  it('when the first one goes to another place, and those there whom it is before', () => {
    const moved = { ...named('a', { createdAt: inSeconds(-60) }, inStore('other')), generation: 2 }
    expect(toldBy(() => put(moved))).toEqual([...all, 'ci/d'])
  })

  it('when another one comes before them', () => {
    expect(toldBy(() => put(named('e', { createdAt: inSeconds(-120) }, inStore('one'))))).toEqual([...all, 'ci/e'])
  })

  it('when the store of the first one becomes another, and those there whom it is before', () => {
    putStore(clusterStore('copy', vault))
    put(named('e', { createdAt: inSeconds(-120) }, inStore('copy')))
    const moved = clusterStore('copy', { ...vault, mount: 'kv' })
    expect(toldBy(() => putStore(moved))).toEqual([...all, 'ci/d', 'ci/e'])
    expect(index.firstAt(named('b', {}, inStore('one')))?.key.name).toBe('a')
    expect(index.firstAt(named('d', {}, inStore('other')))?.key.name).toBe('e')
  })

  it('when the store of the first one is gone', () => {
    putStore(clusterStore('copy', vault))
    put(named('e', { createdAt: inSeconds(-120) }, inStore('copy')))
    expect(toldBy(() => index.deleted('ClusterTokenStore', undefined, 'copy'))).toEqual([...all, 'ci/e'])
    expect(index.firstAt(named('b', {}, inStore('one')))?.key.name).toBe('a')
  })

  it.each<[string, () => void]>([
    ['when one of them is gone', () => remove(named('c'))],
    ['when one comes after them', () => put(named('e', { createdAt: inSeconds(60) }, inStore('one')))],
  ])('not %s', (__, change) => {
    expect(toldBy(change)).toHaveLength(1)
  })

  it('not by the echo of a status', () => {
    expect(toldBy(() => put({ ...first, state: { ...first.state, refreshes: 7 } }))).toEqual([])
  })
})

test('ten thousand credentials are put in order, moved with their store and compared', () => {
  const credentials = Array.from({ length: 10_000 }, (__, number) => {
    const key = { namespace: `ns-${number % 100}`, name: `c-${number}` }
    const at = { ...inStore('shared'), key: `teams/${number % 5000}` }
    return { ...named(key.name, { createdAt: epochSeconds(noon + number) }, at), key, uid: `uid-${number}` }
  })
  index.replaced(
    'OAuthCredential',
    credentials.map((credential) => ({ type: 'credential', credential })),
  )
  putStore(clusterStore('shared', vault))
  const behind = credentials.filter((credential) => index.firstAt(credential) !== undefined)
  expect(behind).toEqual(credentials.slice(5000))
})
