import { describe, expect, test } from 'vitest'
import { deadGrantProbe, misconfigurationProbe, type ProbePolicy } from '../../../src/domain/backoff.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import { isRefusal, probePolicy } from '../../../src/domain/refusals.ts'

describe('a refresh token that was refused', () => {
  test.each<[string, FailureCode, ProbePolicy | undefined]>([
    ['because it is dead is tried every hour at most', 'REFRESH_TOKEN_REJECTED', deadGrantProbe],
    ['because somebody had used it is tried every hour at most', 'REFRESH_TOKEN_REUSED', deadGrantProbe],
    ['after an answer was lost is tried every hour at most', 'REFRESH_ANSWER_LOST', deadGrantProbe],
    ['with its client is tried sooner', 'CLIENT_REJECTED', misconfigurationProbe],
    ['with its scopes is tried sooner', 'SCOPE_REJECTED', misconfigurationProbe],
    ['by nobody, since it was not presented, is no refusal', 'TOKEN_ENDPOINT_UNREACHABLE', undefined],
    ['by nobody, since it is owned, is no refusal', 'REFRESH_TOKEN_OWNED', undefined],
  ])('%s', (_, code, policy) => {
    const refused = failure(code, 'Something was tried.')
    expect(probePolicy(refused)).toBe(policy)
    expect(isRefusal(refused)).toBe(policy !== undefined)
  })
})
