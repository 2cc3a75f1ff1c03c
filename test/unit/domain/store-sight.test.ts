import { describe, expect, it } from 'vitest'
import { noState } from '../../../src/domain/credential-state.ts'
import type { ClaimState } from '../../../src/domain/document-claim.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { afterSight, wasSeenInStore, withSight } from '../../../src/domain/store-sight.ts'
import { aCredential } from '../../support/builders.ts'

const { uid, key, spec } = aCredential()
const [newest, used, unknown] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]
const record: RefreshRecord = {
  ...newRecord(uid, key),
  spent: [used],
  retained: { fingerprint: newest, source: spec.refreshToken },
}

function claimed(fingerprint: string): ClaimState {
  const owner = { owner: 'here/uid', ownerName: 'here', sealingKey: new Sensitive('key') }
  return { kind: 'claimed', claim: { ...owner, mark: { generation: 1, fingerprint } } }
}

/** Whether the newest token still counts as seen once the document has shown this one. */
function isSeenAfter(fingerprint: string, claim: ClaimState | undefined, isSeen = true): boolean {
  const before = isSeen ? withSight({ state: noState }, newest) : { state: noState }
  return wasSeenInStore(afterSight(before, { fingerprint, claim }, record).state, newest)
}

describe('what a document shows', () => {
  it('is the newest token: that is seen there from then on', () => {
    expect(isSeenAfter(newest, undefined, false)).toBe(true)
  })

  it('is one that was replaced: the newest was there, and is not any more', () => {
    expect(isSeenAfter(used, undefined)).toBe(false)
  })

  it('is one of which nobody knows that it was replaced, but that the operator wrote it', () => {
    expect(isSeenAfter(unknown, claimed(unknown))).toBe(false)
  })

  it('is what nobody knows: somebody may take it away again', () => {
    expect([isSeenAfter(unknown, undefined), isSeenAfter(unknown, claimed(newest))]).toEqual([true, true])
  })
})
