import { describe, expect, it } from 'vitest'
import { conditionOf, conditionsOf } from '../../../src/domain/conditions.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import { noon, refreshedState } from '../../support/builders.ts'

const reasons: Readonly<Record<string, readonly [FailureCode, string]>> = {
  'an error': ['STORE_UNAVAILABLE', 'RetryingAfterError'],
  'a limit': ['TOKEN_ENDPOINT_THROTTLED', 'WaitingForRateLimit'],
  'a refresh of another process': ['REFRESH_UNDER_WAY', 'RefreshUnderWay'],
}

describe('what is waited for is told by the reason of Reconciling', () => {
  it.each(Object.entries(reasons))('after %s', (_name, [code, reason]) => {
    const cause = failure(code, 'Something was tried.')
    const conditions = conditionsOf({
      state: refreshedState(600, 3600),
      settlement: { kind: 'retrying', failure: cause },
      answerWaiting: false,
      generation: 1,
      writtenBack: false,
      storeIsNewest: false,
      now: noon,
    })
    expect(conditionOf(conditions, 'Reconciling')).toMatchObject({ reason, message: cause.message })
  })
})
