import { describe, expect, it, vi } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { newRecord, type RecordHolder, type RefreshIntent } from '../../src/domain/refresh-record.ts'
import { failed } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential, aRotation, type CredentialChanges } from '../support/builders.ts'
import { documentKey, Replicas } from '../support/replicas.ts'

// Two credentials that name one document which bears no claim.

const day = 86_400
const youngerUid = '6f1c0a52-0000-4000-8000-000000000002'

function theYounger(changes: CredentialChanges = {}): ReturnType<typeof aCredential> {
  const target = { ...aCredential().spec.target, name: 'other-token' }
  const createdAt = later(aCredential().createdAt, seconds(60))
  const spec = { target, ...changes.spec }
  return aCredential({ key: { namespace: 'ci', name: 'other' }, uid: youngerUid, createdAt, ...changes, spec })
}

/** A day in which a server takes a refresh token once more. */
function withLeeway(): Replicas {
  const world = Replicas.withCredential()
  world.endpoint.leewaySeconds = day
  world.applyProvider({ rotation: aRotation({ reuseLeewaySeconds: day }) })
  return world
}

function intentOn(world: Replicas, holder?: RecordHolder): RefreshIntent {
  const fingerprint = world.records.fingerprint(new Sensitive(world.stored()))
  const intent = { fingerprint, source: aCredential().spec.refreshToken, startedAt: world.clock.now(), sends: 1 }
  return holder === undefined ? intent : { ...intent, holder }
}

function putYoungersIntent(world: Replicas, holder?: RecordHolder): void {
  world.records.put({ ...newRecord(youngerUid, theYounger().key), intent: intentOn(world, holder) })
}

describe('of two credentials at one place', () => {
  it('the older goes on where the answer to the younger was lost, however long that is suspended', async () => {
    const world = withLeeway()
    world.apply(theYounger({ spec: { suspend: true } }))
    putYoungersIntent(world)
    await world.leader()
    await world.clock.pass(day)
    expect(world.problem()).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('one goes on after both have begun, and neither process knew of the other', async () => {
    const world = withLeeway()
    const [first, second] = [world.replica(), world.replica()]
    world.apply(theYounger())
    for (const replica of [first, second]) replica.seesAll()
    first.operator.resources.deleted('OAuthCredential', 'ci', 'other')
    second.operator.resources.deleted('OAuthCredential', 'ci', 'claude')
    first.records.afterReplace = () => first.loseItsPod()
    second.after('journal.sent', () => {
      world.endpoint.next = 'lost-answer'
      first.operator.begin()
    })
    second.operator.begin()
    await world.clock.pass(1)
    expect([world.record()?.intent, world.record(youngerUid)?.intent]).not.toContain(undefined)
    second.seesAll()
    await world.clock.pass(day / 2)
    expect([world.problem(), world.problem('ci/other')]).toContain(undefined)
    expect(world.storeIsLive()).toBe(true)
  })

  it('the younger gives up what it has presented for the older, which may have presented it, too', async () => {
    const world = withLeeway()
    world.endpoint.next = 'lost-answer'
    await world.leader()
    await world.clock.pass(1)
    const presented = intentOn(world)
    expect(world.record()?.intent?.fingerprint).toBe(presented.fingerprint)
    const older = theYounger({ createdAt: later(aCredential().createdAt, seconds(-60)) })
    world.records.put({ ...newRecord(older.uid, older.key), intent: presented })
    world.apply(older)
    await world.clock.pass(day / 2)
    expect(world.problem('ci/other')).toBeUndefined()
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(world.storeIsLive()).toBe(true)
  })

  it('one goes on after both have begun in processes that are gone', async () => {
    const world = Replicas.withCredential()
    world.apply(theYounger())
    const [first, second] = [world.replica().holders.self, world.replica().holders.self]
    const { uid, key } = aCredential()
    world.records.put({ ...newRecord(uid, key), intent: intentOn(world, first) })
    putYoungersIntent(world, second)
    await world.leader()
    await world.clock.pass(600)
    expect(world.endpoint.requests).toBe(0)
    for (const { journalId } of [first, second]) world.gone(journalId)
    await world.clock.pass(600)
    expect([world.problem(), world.problem('ci/other')]).toContain(undefined)
    expect(world.endpoint.reuses).toBe(0)
    expect(world.storeIsLive()).toBe(true)
  })

  it('none goes on while the process of the other may have the answer, however short it has been gone', async () => {
    const world = Replicas.withCredential()
    const { self } = world.replica().holders
    world.apply(theYounger())
    putYoungersIntent(world, self)
    world.gone(self.journalId)
    await world.leader()
    await world.clock.pass(80)
    expect(world.endpoint.requests).toBe(0)
  })

  it('the younger goes on, in the same process, once the older has stood back for it', async () => {
    const world = Replicas.withCredential()
    const first = world.replica()
    const holder = world.replica().holders.self
    first.records.beforeReplace = () => {
      first.records.beforeReplace = undefined
      world.apply(theYounger())
      putYoungersIntent(world, holder)
    }
    await first.lead()
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    world.gone(holder.journalId)
    await world.clock.pass(day)
    expect([world.problem(), world.problem('ci/other')]).toContain(undefined)
    expect(world.storeIsLive()).toBe(true)
  })

  it('the older goes on where the record of the younger is damaged', async () => {
    const world = Replicas.withCredential()
    const first = await world.leader()
    world.apply(theYounger())
    const damaged = failed(
      failure('REFRESH_RECORD_DAMAGED', 'Secret oauth-refresh-2 has sealed tokens that are damaged.'),
    )
    const read = first.records.read.bind(first.records)
    vi.spyOn(first.records, 'read').mockImplementation((subject, key) =>
      subject.uid === youngerUid ? Promise.resolve(damaged) : read(subject, key),
    )
    await world.clock.pass(day)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})

describe('a store that is put back to what the younger used up at this place', () => {
  const usedUp = 'rt-used-up-by-the-younger'

  /** The younger has had a login there, and its record keeps `newest`. */
  async function putBack(newest: (world: Replicas) => string): Promise<Replicas> {
    const world = Replicas.withCredential()
    const mark = (token: string): string => world.records.fingerprint(new Sensitive(token))
    const { refreshToken: source } = aCredential().spec
    world.apply(theYounger({ spec: { suspend: true } }))
    const retained = { fingerprint: mark(newest(world)), source }
    world.records.put({ ...newRecord(youngerUid, theYounger().key), retained, spent: [mark(usedUp)] })
    await world.leader()
    expect(world.state().refreshes).toBe(1)
    world.store.tokens.set(documentKey, usedUp)
    await world.clock.pass(day)
    expect(world.endpoint.reuses).toBe(0)
    return world
  }

  it('is brought up to date by the older, which has gone on with that login', async () => {
    const world = await putBack((before) => before.stored())
    expect(world.problem()).toBeUndefined()
    expect(world.storeIsLive()).toBe(true)
  })

  it('is left alone where the younger has tokens of its own', async () => {
    const world = await putBack(() => 'rt-newest-of-the-younger')
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(world.stored()).toBe(usedUp)
  })
})

it('a hundred credentials at one place, whose records are slow to read, hold up none', async () => {
  const world = Replicas.withCredential()
  for (let index = 0; index < 120; index += 1) {
    const uid = `6f1c0a52-0000-4000-8000-1${String(index).padStart(11, '0')}`
    world.apply(theYounger({ key: { namespace: 'ci', name: `younger-${index}` }, uid }))
  }
  const first = world.replica()
  const read = first.records.read.bind(first.records)
  vi.spyOn(first.records, 'read').mockImplementation(async (subject, key) => {
    if (subject.credential.name.startsWith('younger')) {
      await new Promise<void>((resolve) => void world.clock.wakeAfter(100, resolve))
    }
    return read(subject, key)
  })
  const lead = first.lead()
  await world.clock.pass(60)
  await lead
  expect(world.condition('Ready')?.status).toBe('True')
})

it('a hundred records of others that were at one place before, slow to read, hold up nobody', async () => {
  const world = Replicas.withCredential()
  const { refreshToken: source } = aCredential().spec
  for (let index = 0; index < 120; index += 1) {
    const uid = `6f1c0a52-0000-4000-8000-1${String(index).padStart(11, '0')}`
    const fingerprint = String(index).padStart(32, 'a')
    world.records.put({
      ...newRecord(uid, { namespace: 'ci', name: `gone-${index}` }),
      retained: { fingerprint, source },
    })
  }
  const first = world.replica()
  const read = first.records.read.bind(first.records)
  vi.spyOn(first.records, 'read').mockImplementation(async (subject, key) => {
    await new Promise<void>((resolve) => void world.clock.wakeAfter(100, resolve))
    return read(subject, key)
  })
  const lead = first.lead()
  await world.clock.pass(600)
  await lead
  expect(world.condition('Ready')?.status).toBe('True')
})
