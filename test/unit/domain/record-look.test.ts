import { describe, expect, it } from 'vitest'
import { afterRecordLook } from '../../../src/domain/advance-record-look.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { ok } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { aCredential, anObservation, aStoredToken, noon, refreshedState } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

const { uid, key, spec } = aCredential()
const { refreshToken: source } = spec

function recordOf(fingerprint: string): RefreshRecord {
  const tokens = { refreshToken: new Sensitive(canary('rt')) }
  return { ...newRecord(uid, key), spent: ['used-up'], retained: { fingerprint, source, tokens }, version: '1' }
}

/** What follows where the store shows a used-up token. */
function afterLook(record: RefreshRecord): string {
  const observed = anObservation({ state: refreshedState(0, 3600) })
  const result = ok({ record, stored: aStoredToken('v7'), storeHolds: 'spent' as const })
  const next = afterRecordLook(observed, { state: observed.state }, result, noon)
  return next.kind === 'act' ? next.action.kind : next.settlement.kind
}

describe('what the store lacks', () => {
  it('is put there', () => {
    expect(afterLook(recordOf('newest'))).toBe('write-back')
  })

  it('is not put there where it is used up itself', () => {
    expect(afterLook(recordOf('used-up'))).toBe('fine')
  })
})
