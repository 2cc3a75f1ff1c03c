import { beforeEach, describe, expect, it } from 'vitest'
import { type Arrival, LeftRecords } from '../../../src/app/left-records.ts'
import { ResourceIndex } from '../../../src/app/resource-index.ts'
import type { Credential, RefreshTokenSource } from '../../../src/domain/credential.ts'
import { failure } from '../../../src/domain/failures.ts'
import { failed, ok, type Result } from '../../../src/domain/result.ts'
import type { ListedRecord, RecordEntry } from '../../../src/ports/refresh-records.ts'
import { aCredential, aStore, type CredentialChanges } from '../../support/builders.ts'

const source = aCredential().spec.refreshToken
const heir = named('heir')

let left: LeftRecords
let resources: ResourceIndex
let listed: (RecordEntry & Partial<ListedRecord>)[]
let lists: number
let listFault: Result<void> | undefined
let untilAnswered: Promise<void> | undefined
let listBug: Error | undefined

beforeEach(() => {
  left = new LeftRecords()
  resources = new ResourceIndex(
    () => undefined,
    (entry) => left.left(entry),
  )
  listed = []
  lists = 0
  listFault = undefined
  untilAnswered = undefined
  listBug = undefined
  resources.upserted('TokenStore', { type: 'store', store: aStore() })
  left.begin()
  put(heir)
})

function named(name: string, changes: CredentialChanges = {}): Credential {
  return aCredential({ key: { namespace: 'ci', name }, uid: `uid of ${name}`, ...changes })
}

function put(credential: Credential): void {
  resources.upserted('OAuthCredential', { type: 'credential', credential })
}

function remove({ key }: Credential): void {
  resources.deleted('OAuthCredential', key.namespace, key.name)
}

function entryOf({ uid, key }: Credential, ...sources: readonly RefreshTokenSource[]): RecordEntry {
  return { uid, credential: key, sources }
}

const records = {
  list: async (see: (entry: ListedRecord) => void): Promise<Result<void>> => {
    lists += 1
    for (const entry of listed) see({ version: '1', ...entry })
    await untilAnswered
    if (listBug !== undefined) throw listBug
    return listFault ?? ok(undefined)
  },
}

function sources(): Parameters<LeftRecords['at']>[1] {
  return { records, resources }
}

async function asked(claimedBy?: string): Promise<unknown> {
  const found = await left.at({ credential: heir, claimedBy }, sources())
  return found.ok ? found.value.map(({ uid }) => uid) : found.failure.code
}

const known = { isNew: false, isHeir: false }

async function covered(credential = heir, arrival: Partial<Arrival> = {}): Promise<string> {
  const told = await left.covers(credential, { ...known, ...arrival }, sources())
  if (told.ok) left.arrived(credential.uid)
  return told.ok ? 'ok' : told.failure.code
}

describe('the records that were left at a place', () => {
  it('are those of the list whose credentials are gone, and that were read there', async () => {
    listed = [
      entryOf(named('gone'), source),
      entryOf(named('of another document'), { ...source, key: 'another' }),
      entryOf(named('of another login'), { ...source, property: '/other' }),
      entryOf(named('of another store'), { ...source, store: { kind: 'TokenStore', name: 'missing' } }),
      entryOf(heir, source),
    ]
    expect(await asked()).toEqual(['uid of gone'])
  })

  it('are not those of who is there now', async () => {
    const beside = named('beside')
    put(beside)
    listed = [entryOf(beside, source)]
    expect(await asked()).toEqual([])
  })

  it('are those of who is there and is somewhere else by now, too', async () => {
    const moved = named('moved', { spec: { refreshToken: { ...source, key: 'another' } } })
    put(moved)
    listed = [entryOf(moved, source, { ...source, key: 'another' })]
    expect(await asked()).toEqual(['uid of moved'])
  })

  it.each<[string, (credential: Credential) => void]>([
    ['is deleted', remove],
    ['is on the way out', (credential) => put({ ...credential, deleting: true })],
    [
      'names another document',
      ({ key }) => put(named(key.name, { generation: 2, spec: { refreshToken: { ...source, key: 'another' } } })),
    ],
    [
      'cannot be acted on',
      ({ key, uid, generation, deleting, finalized, state }) =>
        resources.upserted('OAuthCredential', {
          type: 'invalid-credential',
          credential: { key, uid, generation: generation + 1, deleting, finalized, state, problems: [] },
        }),
    ],
    ['is made anew', ({ key }) => put(named(key.name, { uid: 'uid of the next' }))],
  ])('are those of who %s while this process leads', async (_what, happens) => {
    const other = named('other')
    put(other)
    expect(await asked()).toEqual([])
    happens(other)
    expect(await asked()).toEqual(['uid of other'])
  })

  it('are not those of who came back', async () => {
    const other = named('other')
    put(other)
    put({ ...other, generation: 2, spec: { ...other.spec, refreshToken: { ...source, key: 'another' } } } as Credential)
    expect(await asked()).toEqual(['uid of other'])
    put({ ...other, generation: 3 })
    expect(await asked()).toEqual([])
  })

  it('are those of the owner that the document names, wherever its store has gone', async () => {
    listed = [entryOf(named('owner'), { ...source, store: { kind: 'TokenStore', name: 'missing' } })]
    expect(await asked('uid of owner')).toEqual(['uid of owner'])
    expect(await asked('uid of nobody')).toEqual([])
  })

  it('are forgotten once nothing of them is left', async () => {
    listed = [entryOf(named('gone'), source)]
    expect(await asked()).toEqual(['uid of gone'])
    left.forget('uid of gone')
    expect(await asked('uid of gone')).toEqual([])
  })
})

describe('the list of all records', () => {
  it('covers a credential that was known to be at its place when it began', async () => {
    await asked()
    expect(await covered()).toBe('ok')
    expect(lists).toBe(1)
  })

  it('is made once more for a credential that was not known then', async () => {
    await asked()
    const younger = named('younger')
    put(younger)
    listed = [entryOf(named('gone'), source)]
    expect(await covered(younger)).toBe('ok')
    expect(lists).toBe(2)
    expect(await asked()).toEqual(['uid of gone'])
    expect(await covered(younger)).toBe('ok')
    expect(lists).toBe(2)
  })

  it('is made once more for a credential that was at another place then', async () => {
    await asked()
    const moved = named('heir', {
      spec: { refreshToken: { ...source, key: 'another' } },
    })
    put(moved)
    expect(await covered(moved)).toBe('ok')
    expect(lists).toBe(2)
  })

  it('begins after each who asks, and is the same for all who ask while another one is under way', async () => {
    let answer = (): void => undefined
    untilAnswered = new Promise((resolve) => (answer = resolve))
    const first = covered()
    const others = [covered(), covered(), covered()]
    expect(lists).toBe(1)
    answer()
    expect(await Promise.all([first, ...others])).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect(lists).toBe(2)
  })

  it('covers nobody where it failed', async () => {
    listFault = failed(failure('KUBERNETES_FORBIDDEN', 'The operator may not list Secrets.'))
    expect(await covered()).toBe('KUBERNETES_FORBIDDEN')
    listFault = undefined
    expect(await covered()).toBe('ok')
    expect(lists).toBe(2)
  })

  it('is made again after one that threw', async () => {
    listBug = new Error('a bug')
    await expect(covered()).rejects.toThrow('a bug')
    listBug = undefined
    expect(await covered()).toBe('ok')
  })

  it('are listed at each request of who is new at its place: an intent that was taken back tells nobody of it', async () => {
    await asked()
    expect([await covered(), lists]).toEqual(['ok', 1])
    listed = [entryOf(named('late'), source)]
    expect([await covered(heir, { isNew: true }), lists]).toEqual(['ok', 2])
    expect(await asked()).toEqual(['uid of late'])
    expect([await covered(heir, { isNew: true }), await covered(), lists]).toEqual(['ok', 'ok', 3])
  })

  it('are listed once more for an heir', async () => {
    await covered()
    expect([await covered(heir, { isHeir: true }), lists]).toEqual(['ok', 2])
    expect([await covered(heir, { isHeir: true }), await covered(), lists]).toEqual(['ok', 'ok', 2])
  })

  it('are listed until that list is there', async () => {
    await covered()
    listFault = failed(failure('REFRESH_RECORD_UNAVAILABLE', 'The records could not be listed.'))
    expect(await covered(heir, { isNew: true })).toBe('REFRESH_RECORD_UNAVAILABLE')
    listFault = undefined
    expect([await covered(), lists]).toEqual(['ok', 3])
  })

  it('are listed once more for a credential whose record somebody else has written', async () => {
    await asked()
    left.contest(heir.uid)
    expect([await left.covers(heir, known, sources()), lists]).toEqual([ok('known'), 2])
    expect([await left.covers(heir, known, sources()), lists]).toEqual([ok('known'), 2])
  })

  it('are not listed for a contest of the term before, nor for one that is over', async () => {
    left.contest(heir.uid)
    left.begin()
    await asked()
    await covered()
    left.contest(heir.uid)
    left.settle(heir.uid)
    expect([await covered(), lists]).toEqual(['ok', 1])
  })

  it('are listed until who comes has looked about', async () => {
    await asked()
    const heirs = { isNew: false, isHeir: true }
    expect([await left.covers(heir, heirs, sources()), lists]).toEqual([ok('coming'), 2])
    expect([await left.covers(heir, known, sources()), lists]).toEqual([ok('coming'), 3])
    left.arrived(heir.uid)
    expect([await left.covers(heir, heirs, sources()), lists]).toEqual([ok('known'), 3])
  })
})
