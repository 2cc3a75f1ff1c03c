import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dueAfter, fleet, type FleetMember, namedObjects } from '../../bench/fleet.ts'
import type { RecordedCall } from '../../bench/protocol.ts'
import { RefreshWatch } from '../../bench/refresh-watch.ts'
import { epochSeconds } from '../../../src/domain/time.ts'

const startedAt = 1_800_000_000
const [one, overdue] = fleet(namedObjects(2), startedAt, 60) as [FleetMember, FleetMember]

function call(kind: string, body = ''): RecordedCall {
  return { kind, to: 'api', method: '', path: '', headers: {}, body, status: 200 }
}

/** A target with a token that lives for so long from now. */
function target(lifetime: number): RecordedCall {
  const content = JSON.stringify({ claudeAiOauth: { expiresAt: Date.now() + lifetime * 1000 } })
  return call('PATCH target', JSON.stringify({ data: { file: Buffer.from(content).toString('base64') } }))
}

function refresh(watch: RefreshWatch, { name, uid }: FleetMember, more: readonly string[] = []): void {
  const lifetime = watch.lifetimeOf(name)
  for (const kind of more) tell(watch, call(kind), uid)
  for (const each of [call('POST token'), target(lifetime), call('PATCH status')]) tell(watch, each, name)
}

function tell(watch: RefreshWatch, each: RecordedCall, credential: string): void {
  watch.began(each, credential)
  watch.ended(each, credential)
}

describe('the calls of the controller, put together to refreshes', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: startedAt * 1000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('leave out the first refresh of a credential', () => {
    const watch = new RefreshWatch()
    watch.restart([one])
    refresh(watch, one, ['GET record'])
    const { calls, later } = watch.takeCounts()
    expect(calls).toEqual({ 'GET record': 1, 'POST token': 1, 'PATCH target': 1, 'PATCH status': 1 })
    expect(later.rotating.count).toBe(0)
  })

  it('count a later refresh with all its calls, and how long after its due time the target was written', () => {
    const watch = new RefreshWatch()
    watch.restart([one])
    refresh(watch, one)
    const due = dueAfter({ uid: one.uid, refreshes: 2, issuedAt: epochSeconds(startedAt), lifetimeSeconds: 60 })
    watch.takeCounts()
    vi.setSystemTime((due + 0.25) * 1000)
    refresh(watch, one, ['PATCH record', 'PATCH record'])
    const { rotating } = watch.takeCounts().later
    expect(rotating.calls).toEqual({ 'PATCH record': 2, 'POST token': 1, 'PATCH target': 1, 'PATCH status': 1 })
    expect(rotating.count).toBe(1)
    expect(rotating.toPublished).toEqual([expect.closeTo(0.25, 2)])
  })

  it('count no status without a refresh, and no half of one', () => {
    const watch = new RefreshWatch()
    watch.restart([one])
    refresh(watch, one)
    tell(watch, call('PATCH status'), one.name)
    watch.began(call('POST token'), one.name)
    expect(watch.takeCounts().later.rotating.count).toBe(0)
  })

  it('take a refused write for no publication', () => {
    const watch = new RefreshWatch()
    watch.restart([one])
    refresh(watch, one)
    tell(watch, call('POST token'), one.name)
    tell(watch, { ...target(60), status: 409 }, one.name)
    tell(watch, call('PATCH status'), one.name)
    expect(watch.takeCounts().later.rotating).toMatchObject({ count: 1, toPublished: [] })
  })

  it('give the third refresh of the overdue credential to the floor, and make it come soon', async () => {
    const watch = new RefreshWatch()
    watch.restart([one, overdue])
    const lifetimes: number[] = []
    for (const extra of ['first', 'second', 'third', 'fourth']) {
      lifetimes.push(watch.lifetimeOf(overdue.name))
      refresh(watch, overdue, [extra])
    }
    const recorded = await watch.laterRefresh()
    expect(recorded.map(({ kind }) => kind)).toEqual(['third', 'POST token', 'PATCH target', 'PATCH status'])
    expect(lifetimes).toEqual([6, 6, 60, 60])
  })

  it('say how late the first request of a credential came', async () => {
    const watch = new RefreshWatch()
    watch.restart([one, overdue])
    vi.setSystemTime((one.dueAt + 2) * 1000)
    tell(watch, call('POST token'), one.name)
    tell(watch, call('POST token'), overdue.name)
    expect(watch.takeCounts().lateness).toEqual([expect.closeTo(2, 2)])
    await expect(watch.firstRequest()).resolves.toBe(Math.trunc((one.dueAt + 2) * 1000))
  })
})
