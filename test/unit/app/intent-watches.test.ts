import { describe, expect, it } from 'vitest'
import { IntentWatches } from '../../../src/app/intent-watches.ts'
import type { HeldIntent, RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { newRecord } from '../../../src/domain/refresh-record.ts'
import { epochSeconds } from '../../../src/domain/time.ts'

function intentOf(journalId: string, sends = 1): HeldIntent {
  const source = { store: { kind: 'TokenStore', name: 'store' }, key: 'claude', format: 'Raw' } as const
  return { holder: { journalId }, fingerprint: `of-${journalId}`, source, startedAt: epochSeconds(1000), sends }
}

function recordOf(version: string, parts: Partial<RefreshRecord>): RefreshRecord {
  return { ...newRecord('uid-1', { namespace: 'ci', name: 'claude' }), version, ...parts }
}

describe('how long an intent has not changed', () => {
  it('counts from the first look', () => {
    const watches = new IntentWatches()
    const intent = intentOf('a')
    const record = recordOf('1', { intent })
    expect(watches.unchangedMs(record, intent, 5000)).toBe(0)
    expect(watches.unchangedMs(record, intent, 65_000)).toBe(60_000)
  })

  it('begins anew when the record of the latest one was written', () => {
    const watches = new IntentWatches()
    const intent = intentOf('a')
    watches.unchangedMs(recordOf('1', { intent }), intent, 0)
    expect(watches.unchangedMs(recordOf('2', { intent }), intent, 60_000)).toBe(0)
  })

  it('goes on for one that was left, whatever else its record tells', () => {
    const watches = new IntentWatches()
    const left = intentOf('a')
    for (let round = 0; round < 30; round += 1) {
      const latest = intentOf('b', round)
      const record = recordOf(String(round), { intent: latest, left: [left] })
      expect(watches.unchangedMs(record, latest, round * 1000)).toBe(0)
      expect(watches.unchangedMs(record, left, round * 1000)).toBe(round * 1000)
    }
  })

  it('begins anew when the one that was left was tried again', () => {
    const watches = new IntentWatches()
    const before = intentOf('a')
    watches.unchangedMs(recordOf('1', { left: [before] }), before, 0)
    const again = intentOf('a', 2)
    expect(watches.unchangedMs(recordOf('2', { intent: again }), again, 10_000)).toBe(0)
    expect(watches.unchangedMs(recordOf('3', { left: [again] }), again, 20_000)).toBe(0)
  })

  it('begins anew when the one that was left was the latest in between, and looks the same', () => {
    const watches = new IntentWatches()
    const same = intentOf('a')
    watches.unchangedMs(recordOf('1', { left: [same] }), same, 0)
    watches.unchangedMs(recordOf('2', { intent: { ...same } }), { ...same }, 10_000)
    expect(watches.unchangedMs(recordOf('3', { left: [{ ...same }] }), { ...same }, 20_000)).toBe(0)
  })

  it('is not told of another one, nor of an earlier term', () => {
    const watches = new IntentWatches()
    const [one, other] = [intentOf('a'), intentOf('b')]
    const record = recordOf('1', { left: [one, other] })
    watches.unchangedMs(record, one, 0)
    expect(watches.unchangedMs(record, other, 50_000)).toBe(0)
    expect(watches.unchangedMs(record, one, 60_000)).toBe(60_000)
    watches.begin()
    expect(watches.unchangedMs(record, one, 70_000)).toBe(0)
  })
})
