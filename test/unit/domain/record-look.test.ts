import { describe, expect, it } from 'vitest'
import { afterRecordLook } from '../../../src/domain/advance-record-look.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { ok } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { aCredential, anObservation, aStoredToken, noon, refreshedState } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

const { uid, key, spec } = aCredential()
const elsewhere = { ...spec.refreshToken, key: 'teams/ci/another' }

function recordOf(fingerprint: string, source = elsewhere): RefreshRecord {
  const tokens = { refreshToken: new Sensitive(canary('rt')) }
  return { ...newRecord(uid, key), spent: ['used-up'], retained: { fingerprint, source, tokens }, version: '1' }
}

/** What follows where the store of the place that was left shows a used-up token, and another one was brought up to date just now. */
function afterLook(known: RefreshRecord): string {
  const observed = anObservation({ record: known, rolledForwardAt: noon, state: refreshedState(0, 3600) })
  const before = { look: { kind: 'pre-flight', stored: aStoredToken() } } as const
  const result = ok({ record: recordOf('newest'), stored: aStoredToken('v7'), storeHolds: 'spent' as const })
  const looked = { action: { kind: 'read-record', before }, result } as const
  const next = afterRecordLook(observed, { state: observed.state }, looked, noon)
  return next.kind === 'act' ? next.action.kind : next.settlement.kind
}

describe('what the store of a place that was left lacks', () => {
  it('is put there, though other tokens were put somewhere just now', () => {
    expect(afterLook(recordOf('another', spec.refreshToken))).toBe('write-back')
  })

  it('is not put there again at once where it was not kept', () => {
    expect(afterLook(recordOf('newest'))).toBe('retrying')
  })
})
