import { describe, expect, it } from 'vitest'
import { advance } from '../../../src/domain/advance.ts'
import { type Failure, failure } from '../../../src/domain/failures.ts'
import type { PendingTokens } from '../../../src/domain/observed.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { failed, ok, type Result } from '../../../src/domain/result.ts'
import type { WriteBackOutcome } from '../../../src/domain/step.ts'
import {
  aCredential,
  anAccessToken,
  anObservation,
  aStoredToken,
  noon,
  refreshedState,
} from '../../support/builders.ts'

const lost = failure('TOKEN_RESULT_UNKNOWN', 'A refresh was begun by another process, and its answer is lost.')
const { uid, key, spec } = aCredential()
const committed = ok(newRecord(uid, key))

function aPendingToken(): PendingTokens {
  const base = aStoredToken()
  return {
    tokens: { accessToken: anAccessToken(), refreshToken: aStoredToken().refreshToken },
    base,
    source: spec.refreshToken,
    presented: base.refreshToken,
    persisted: false,
    recorded: true,
    behindSince: noon,
    published: true,
    writeBackFailures: 0,
  }
}

/** What is told of the credential after a write-back, where it is known what became of the refresh token since. */
function toldAfter(written: WriteBackOutcome, result: Result<RefreshRecord> = committed): Failure['code'] | undefined {
  const pending = aPendingToken()
  const progress = { state: refreshedState(0, 3600), pending, cause: lost }
  const step = { kind: 'act', action: { kind: 'write-back', pending }, progress } as const
  const next = advance(anObservation(), step, { kind: 'write-back', pending, written, committed: result }, noon)
  return next.kind === 'settled' ? next.progress.state.lastFailure?.code : next.progress.cause?.code
}

describe('what became of the refresh token that was presented', () => {
  it('is told after its successor was written', () => {
    expect(toldAfter({ kind: 'written', stored: aStoredToken('v2') })).toBe('TOKEN_RESULT_UNKNOWN')
  })

  it('is not told of the login that the store holds instead', () => {
    expect(toldAfter({ kind: 'superseded', stored: aStoredToken('v2') })).toBeUndefined()
  })

  it('gives way to what keeps the record from being written', () => {
    const unreachable = failed(failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be reached.'))
    expect(toldAfter({ kind: 'superseded', stored: aStoredToken('v2') }, unreachable)).toBe(
      'REFRESH_RECORD_UNAVAILABLE',
    )
  })
})
