import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RefreshTokenSource } from '../../src/domain/credential.ts'
import type { FailureCode } from '../../src/domain/failures.ts'
import { facing } from '../../src/domain/record-places.ts'
import type { KeptTokens, RefreshIntent, RetainedTokens } from '../../src/domain/refresh-record.ts'
import { storedLimit } from '../../src/domain/spent-tokens.ts'
import type { Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import type { RotatedTokens } from '../../src/domain/tokens.ts'
import type { ListedRecord, RecordSubject, RefreshRecord, RefreshRecords } from '../../src/ports/refresh-records.ts'
import { canary, observeOutput } from '../support/canary.ts'

/** Records under test, and what somebody beside the operator sees and does. */
export interface RecordsHarness {
  /** As a process of its own has them, at the same place as all others. */
  process(): RefreshRecords
  /** Everything that is kept of a record, for whoever may look at the place; absent where nobody else may. */
  visible?(uid: string): Promise<string>
  /** Takes the record away behind the operator's back. */
  takeAway(uid: string): Promise<void>
  stop?(): Promise<void>
}

/** What every {@link RefreshRecords} keeps to. */
export function refreshRecordsContract(name: string, makeRecords: () => Promise<RecordsHarness>): void {
  describe(`${name} keep the contract of refresh records`, () => {
    const current: { harness?: RecordsHarness } = {}
    beforeEach(async () => {
      current.harness = await makeRecords()
    })
    afterEach(async () => {
      await current.harness?.stop?.()
    })
    const bench = (): RecordBench => new RecordBench(current.harness)
    reading(bench)
    comparing(bench)
    sealing(bench)
    removing(bench)
    listing(bench)
  })
}

function reading(bench: () => RecordBench): void {
  test('there is none at first', async () => {
    const { records, subject } = bench()
    expect(valueOf(await records.read(subject, undefined))).toBeUndefined()
  })

  test('another process reads all that was written', async () => {
    const { records, harness, subject, full } = bench()
    const written = valueOf(await records.replace(full(), undefined))
    const read = valueOf(await harness.process().read(subject, undefined))
    expect(plain(read)).toEqual(plain({ ...full(written), version: written.version }))
    expect(written.version).not.toBe('')
  })

  test('what is left out is gone', async () => {
    const { records, subject, full, small } = bench()
    const { version } = valueOf(await records.replace(full(), undefined))
    const written = valueOf(await records.replace({ ...small(), version }, undefined))
    const read = valueOf(await records.read(subject, undefined))
    expect(read).toEqual({ ...small(), version: written.version })
    expect(written.version).not.toBe(version)
  })

  test('the version stays while the record does', async () => {
    const { records, subject, full } = bench()
    const written = valueOf(await records.replace(full(), undefined))
    expect(valueOf(await records.read(subject, undefined))?.version).toBe(written.version)
    expect(valueOf(await records.read(subject, undefined))?.version).toBe(written.version)
  })

  test('records of different credentials have nothing to do with each other', async () => {
    const { records, small, subject } = bench()
    const other = { ...small(), uid: `${subject.uid}-other` }
    await records.replace({ ...small(), epoch: 1 }, undefined)
    await records.replace({ ...other, epoch: 2 }, undefined)
    expect(valueOf(await records.read(subject, undefined))?.epoch).toBe(1)
    expect(valueOf(await records.read(other, undefined))?.epoch).toBe(2)
  })

  test('a fingerprint is the same everywhere, and in every version', () => {
    const { records } = bench()
    expect(records.fingerprint(new Sensitive('a refresh token'))).toBe('1ff02f1e7fdd1029027890d9cda31b93')
  })
}

function comparing(bench: () => RecordBench): void {
  test('the same record again is another version, and refuses what was meant for the one before', async () => {
    const { records, harness, full, expectFailure } = bench()
    const before = valueOf(await records.replace(full(), undefined))
    const after = valueOf(await records.replace(before, undefined))
    expect(after.version).not.toBe(before.version)
    expectFailure(await harness.process().replace(full(before), undefined), 'REFRESH_RECORD_CONFLICT')
  })

  test('of two that make it one succeeds', async () => {
    const { harness, subject, small, expectConflict } = bench()
    const attempts = [1, 2].map((epoch) => harness.process().replace({ ...small(), epoch }, undefined))
    const [winner] = expectConflict(await Promise.all(attempts))
    expect(valueOf(await harness.process().read(subject, undefined))).toEqual(winner)
  })

  test('one that is there is not made anew', async () => {
    const { records, small, readBy, expectFailure } = bench()
    const first = valueOf(await records.replace(small(), undefined))
    expectFailure(await records.replace({ ...small(), epoch: 1 }, undefined), 'REFRESH_RECORD_CONFLICT')
    expect(await readBy(records, undefined)).toEqual(first)
  })

  test('of two that replace the same version one succeeds', async () => {
    const { harness, records, subject, small, expectConflict } = bench()
    const { version } = valueOf(await records.replace(small(), undefined))
    const attempts = [1, 2].map((epoch) => harness.process().replace({ ...small(), epoch, version }, undefined))
    const [winner] = expectConflict(await Promise.all(attempts))
    expect(valueOf(await records.read(subject, undefined))).toEqual(winner)
  })

  test('of two that write the very same one succeeds', async () => {
    const { harness, records, small, expectConflict } = bench()
    const { version } = valueOf(await records.replace(small(), undefined))
    const attempts = [1, 2].map(() => harness.process().replace({ ...small(), epoch: 1, version }, undefined))
    expectConflict(await Promise.all(attempts))
  })

  test('a past version is not replaced', async () => {
    const { records, small, expectFailure, subject } = bench()
    const first = valueOf(await records.replace(small(), undefined))
    const second = valueOf(await records.replace({ ...first, epoch: 1 }, undefined))
    expectFailure(await records.replace({ ...first, epoch: 2 }, undefined), 'REFRESH_RECORD_CONFLICT')
    expect(valueOf(await records.read(subject, undefined))).toEqual(second)
  })

  test('processes that count together count right', async () => {
    const { harness, subject, small } = bench()
    const count = async (): Promise<void> => {
      const records = harness.process()
      for (let done = 0; done < 3;) {
        const read = valueOf(await records.read(subject, undefined)) ?? small()
        const replaced = await records.replace({ ...read, epoch: read.epoch + 1 }, undefined)
        if (replaced.ok) done += 1
      }
    }
    await Promise.all([count(), count(), count()])
    expect(valueOf(await harness.process().read(subject, undefined))?.epoch).toBe(9)
  })

  test('a record that was taken away is not written over', async () => {
    const { harness, records, small, subject, expectFailure } = bench()
    const written = valueOf(await records.replace(small(), undefined))
    await harness.takeAway(subject.uid)
    expectFailure(await records.replace({ ...written, epoch: 1 }, undefined), 'REFRESH_RECORD_CONFLICT')
    expect(valueOf(await records.read(subject, undefined))).toBeUndefined()
    expect((await records.replace({ ...written, epoch: 1, version: '' }, undefined)).ok).toBe(true)
  })
}

function sealing(bench: () => RecordBench): void {
  test('nobody who looks at the place sees a token', async () => {
    const { harness, records, subject, full } = bench()
    const first = valueOf(await records.replace(full(), undefined))
    observeOutput('the place of the records', (await harness.visible?.(subject.uid)) ?? '')
    await records.replace({ ...full(), version: first.version }, aKey())
    observeOutput('the place of the records', (await harness.visible?.(subject.uid)) ?? '')
  })

  test('the key of the document opens the tokens in another process', async () => {
    const { harness, records, subject, full } = bench()
    const key = aKey()
    const written = valueOf(await records.replace(full(), key))
    const read = valueOf(await harness.process().read(subject, key))
    expect(plain(read)).toEqual(plain(written))
  })

  test("the operator's own key does in another process, and after the next refresh", async () => {
    const { harness, records, subject, full } = bench()
    const first = valueOf(await records.replace(full(), undefined))
    const second = valueOf(await harness.process().replace({ ...full(), version: first.version }, undefined))
    expect(plain(valueOf(await records.read(subject, undefined)))).toEqual(plain(second))
    expect(plain(valueOf(await records.read(subject, aKey())))).toEqual(plain(second))
  })

  test('processes that begin at the same time open what the others sealed', async () => {
    const { harness, full } = bench()
    const many = [1, 2, 3, 4].map((number) => ({ ...full(), uid: `${full().uid}-${number}` }))
    const written = await Promise.all(many.map(async (record) => harness.process().replace(record, undefined)))
    for (const record of written.map(valueOf)) {
      expect(plain(valueOf(await harness.process().read(record, undefined)))).toEqual(plain(record))
    }
  })

  test('tokens without an access token are kept as well', async () => {
    const { records, subject, full } = bench()
    const refreshToken = new Sensitive(canary('rt'))
    const key = aKey()
    await records.replace({ ...full(), retained: { ...retained(), tokens: { refreshToken } } }, key)
    const read = valueOf(await records.read(subject, key))
    expect(Object.keys(read?.retained?.tokens ?? {})).toEqual(['refreshToken'])
    expect(read?.retained?.tokens?.refreshToken?.reveal()).toBe(refreshToken.reveal())
  })
}

const otherKeys: readonly (readonly [string, () => Sensitive | undefined])[] = [
  ['another key', aKey],
  ['no key', () => undefined],
]

/** Only where tokens are sealed: where they are not, every key opens them. */
export function sealedRecordsContract(name: string, makeRecords: () => Promise<RecordsHarness>): void {
  describe(`${name} seal what others could read`, () => {
    const current: { harness?: RecordsHarness } = {}
    beforeEach(async () => {
      current.harness = await makeRecords()
    })
    afterEach(async () => {
      await current.harness?.stop?.()
    })
    const bench = (): RecordBench => new RecordBench(current.harness)

    for (const [what, otherKey] of otherKeys) {
      test(`with ${what} the tokens are left out, and written back as they are`, async () => {
        const { harness, records, full, readBy } = bench()
        const key = aKey()
        const { retained: sealed } = valueOf(await records.replace(full(), key))
        const blind = await readBy(harness.process(), otherKey())
        expect(blind.retained).toEqual({ ...retained(), sealed: expect.stringMatching(/./) as string })
        expect(sealed?.sealedWith).toMatch(/./)
        for (const next of [disarmed(blind), { ...blind, epoch: 99 }]) {
          const { version } = await readBy(records, key)
          expect((await records.replace({ ...next, version }, otherKey())).ok).toBe(true)
          expect(plain((await readBy(harness.process(), key)).retained)).toEqual(plain(sealed))
        }
      })
    }

    test('tokens that are left at their place stay sealed as they were there', async () => {
      const { harness, records, subject, atOnePlace, readBy } = bench()
      const [key, nextKey] = [aKey(), aKey()]
      const here = atOnePlace()
      const first = valueOf(await records.replace(here, key))
      const left = valueOf(await records.replace(facing(first, at('teams/next')), nextKey))
      expect((await readBy(harness.process(), nextKey)).kept?.[0]?.tokens).toBeUndefined()
      const again = valueOf(await records.replace({ ...left, epoch: 99 }, nextKey))
      const read = valueOf(await harness.process().read(subject, key))
      expect(plain(read?.kept?.[0]?.tokens)).toEqual(plain(here.retained.tokens))
      const back = valueOf(await records.replace(facing({ ...again }, source), key))
      expect(plain(valueOf(await harness.process().read(subject, key)))).toEqual(plain(back))
      expect(plain(back.retained?.tokens)).toEqual(plain(here.retained.tokens))
      expect(back.kept).toBeUndefined()
    })

    test('a document that gets a key takes the tokens away from the operator', async () => {
      const { harness, records, subject, full } = bench()
      const first = valueOf(await records.replace(full(), undefined))
      const key = aKey()
      const second = valueOf(await records.replace(first, key))
      expect(valueOf(await harness.process().read(subject, undefined))?.retained?.tokens).toBeUndefined()
      expect(plain(valueOf(await harness.process().read(subject, key)))).toEqual(plain(second))
    })
  })
}

function removing(bench: () => RecordBench): void {
  test('it is forgotten', async () => {
    const { records, subject, full } = bench()
    const written = valueOf(await records.replace(full(), undefined))
    expect((await records.remove(written)).ok).toBe(true)
    expect(valueOf(await records.read(subject, undefined))).toBeUndefined()
    expect((await records.remove(written)).ok).toBe(true)
  })

  test('it is not forgotten when it is another one by now', async () => {
    const { records, subject, small, expectFailure } = bench()
    const first = valueOf(await records.replace(small(), undefined))
    const second = valueOf(await records.replace({ ...first, epoch: 1 }, undefined))
    expectFailure(await records.remove(first), 'REFRESH_RECORD_CONFLICT')
    expect(valueOf(await records.read(subject, undefined))).toEqual(second)
  })
}

function listing(bench: () => RecordBench): void {
  test('none is shown at first', async () => {
    const { listedBy, records } = bench()
    expect(await listedBy(records)).toEqual([])
  })

  test('another process sees whose each record is, and where its tokens were read', async () => {
    const { harness, records, subject, full, small, listedBy } = bench()
    const other = { uid: `${subject.uid}-other`, credential: { namespace: 'team', name: 'renamed' } }
    const written = {
      ...full(),
      intent: { ...anIntent, source: at('a') },
      left: [{ ...anIntent, fingerprint: fingerprintOf('f'), source: at('b') }],
      retained: { ...full().retained, source: at('c') },
    }
    const one = valueOf(await records.replace(written, aKey()))
    const unsealed = { ...small(), ...other, retained: { ...retained(), source: at('d') } }
    const { version } = valueOf(await records.replace(unsealed, undefined))
    expect(await listedBy(harness.process())).toEqual([
      { ...subject, sources: [at('a'), at('b'), at('c'), at('teams/left')], version: one.version },
      { ...other, sources: [at('d')], version },
    ])
  })

  test('one without any source is shown with none', async () => {
    const { records, subject, small, listedBy } = bench()
    const { version } = valueOf(
      await records.replace(
        { ...small(), refused: { fingerprint: fingerprintOf('0'), code: 'REFRESH_ANSWER_LOST' } },
        undefined,
      ),
    )
    expect(await listedBy(records)).toEqual([{ ...subject, sources: [], version }])
  })

  test('one is shown as it was last written', async () => {
    const { harness, records, subject, full, small, listedBy } = bench()
    const { version } = valueOf(await records.replace(full(), undefined))
    const last = valueOf(await records.replace({ ...small(), version }, undefined))
    expect(await listedBy(harness.process())).toEqual([{ ...subject, sources: [], version: last.version }])
  })

  test('one that was removed, or taken away, is not shown', async () => {
    const { harness, records, subject, small, listedBy } = bench()
    const others = ['a', 'b', 'c'].map((letter) => ({ ...small(), uid: `${subject.uid}-${letter}` }))
    const [first, second] = (await Promise.all(others.map((one) => records.replace(one, undefined)))).map(valueOf)
    if (first !== undefined) valueOf(await records.remove(first))
    if (second !== undefined) await harness.takeAway(second.uid)
    expect((await listedBy(harness.process())).map(({ uid }) => uid)).toEqual([`${subject.uid}-c`])
  })
}

let subjects = 0

/** One credential, and one process at its record. */
export class RecordBench {
  readonly harness: RecordsHarness
  readonly records: RefreshRecords
  readonly subject: RecordSubject
  readonly #tokens = someTokens()
  readonly #keptTokens = someTokens()

  constructor(harness: RecordsHarness | undefined) {
    if (harness === undefined) throw new Error('no harness')
    subjects += 1
    this.harness = harness
    this.records = harness.process()
    this.subject = { uid: `uid-${process.pid}-${subjects}`, credential: { namespace: 'ci', name: 'claude' } }
  }

  small = (): RefreshRecord => ({ ...this.subject, epoch: 0, generation: 0, spent: [], version: '' })

  /** With every member; sealed as it was written. */
  full = (written?: RefreshRecord): Required<RefreshRecord> => ({
    ...this.small(),
    epoch: 7,
    generation: 5,
    intent: anIntent,
    left: [{ ...anIntent, fingerprint: fingerprintOf('f') }],
    retained: { ...retained(), tokens: this.#tokens, ...sealedAs(written?.retained) },
    kept: [{ ...keptAt('teams/left'), tokens: this.#keptTokens, ...sealedAs(written?.kept?.[0]) }],
    refused: { fingerprint: fingerprintOf('0'), code: 'REFRESH_ANSWER_LOST' },
    spent: [fingerprintOf('a'), ...Array.from({ length: storedLimit }, (_, index) => `${index}`.padStart(32, 'b'))],
    stored: [fingerprintOf('a')],
    origin: 'https://gateway.example.com',
    storeWrittenAt: epochSeconds(1_800_000_000.25),
  })

  /** As {@link full}, of a credential that has always been where it is. */
  atOnePlace = (written?: RefreshRecord): Omit<Required<RefreshRecord>, 'kept'> => {
    const { kept: _none, ...record } = this.full(written)
    return record
  }

  /** The record that is there. */
  readBy = async (records: RefreshRecords, sealingKey: Sensitive | undefined): Promise<RefreshRecord> => {
    const record = valueOf(await records.read(this.subject, sealingKey))
    if (record === undefined) throw new Error('there is no record')
    return record
  }

  /** What is shown of this bench's own records, in the order of uids and keys: others may be at the same place. */
  listedBy = async (records: RefreshRecords): Promise<readonly ListedRecord[]> => {
    const entries: ListedRecord[] = []
    valueOf(await records.list((entry) => entries.push(entry)))
    observeOutput('list of records', JSON.stringify(entries))
    const isOwn = ({ uid }: ListedRecord): boolean => uid === this.subject.uid || uid.startsWith(`${this.subject.uid}-`)
    const own = entries.filter(isOwn).map((entry) => ({ ...entry, sources: entry.sources.toSorted(byKey) }))
    return own.toSorted((one, other) => (one.uid < other.uid ? -1 : 1))
  }

  /** One succeeded, every other met a conflict; returns the one. */
  expectConflict = (results: readonly Result<RefreshRecord>[]): readonly RefreshRecord[] => {
    const winners = results.filter(({ ok }) => ok)
    expect(winners).toHaveLength(1)
    for (const result of results) if (!result.ok) this.expectFailure(result, 'REFRESH_RECORD_CONFLICT')
    return winners.map(valueOf)
  }

  expectFailure = (result: Result<unknown>, code: FailureCode): string => {
    const message = result.ok ? '' : result.failure.message
    observeOutput('failure', message)
    expect(result.ok ? 'ok' : result.failure.code, message).toBe(code)
    return message
  }
}

function disarmed({ intent: _over, ...record }: RefreshRecord): RefreshRecord {
  return record
}

export function aKey(): Sensitive {
  return new Sensitive(randomBytes(32).toString('base64'))
}

export function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value
  observeOutput('failure', result.failure.message)
  throw new Error(result.failure.message)
}

/** With its tokens as text, because they compare as equal otherwise, whatever they are. */
export function plain(value: unknown): unknown {
  if (value instanceof Sensitive) return { secret: value.reveal() as unknown }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
}

function fingerprintOf(digit: string): string {
  return digit.repeat(32)
}

const source = { store: { kind: 'ClusterTokenStore', name: 'vault' }, key: 'teams/ci', property: '/a/b' } as const

function at(key: string): RefreshTokenSource {
  return { ...source, key }
}

function byKey(one: RefreshTokenSource, other: RefreshTokenSource): number {
  return one.key < other.key ? -1 : 1
}

const anIntent: Required<RefreshIntent> = {
  holder: { journalId: fingerprintOf('c'), pod: { name: 'operator-0', uid: 'pod-uid' } },
  fingerprint: fingerprintOf('d'),
  source,
  startedAt: epochSeconds(1_800_000_000.123),
  sends: 2,
  origin: 'https://login.example.com',
}

function retained(): RetainedTokens {
  return { fingerprint: fingerprintOf('e'), source }
}

export function keptAt(key: string): KeptTokens {
  return {
    fingerprint: fingerprintOf('9'),
    source: at(key),
    origin: 'https://login.example.com',
    storeWrittenAt: epochSeconds(1_700_000_000.5),
    stored: [fingerprintOf('a')],
  }
}

function sealedAs({ sealed, sealedWith }: Partial<RetainedTokens> = {}): Pick<RetainedTokens, 'sealed' | 'sealedWith'> {
  return { ...(sealed !== undefined && { sealed }), ...(sealedWith !== undefined && { sealedWith }) }
}

function someTokens(): Required<RotatedTokens> {
  return {
    refreshToken: new Sensitive(canary('rt')),
    refreshTokenExpiresAt: epochSeconds(1_900_000_000),
    refreshTokenNeverExpires: true,
    accessToken: {
      value: new Sensitive(canary('at')),
      tokenType: 'Bearer',
      issuedAt: epochSeconds(1_800_000_000.5),
      expiresAt: epochSeconds(1_800_003_600.5),
      scopes: ['user:inference', 'offline_access'],
      idToken: new Sensitive(canary('at')),
    },
  }
}
