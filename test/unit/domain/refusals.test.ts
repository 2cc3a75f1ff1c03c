import { describe, expect, test } from 'vitest'
import { deadGrantProbe, misconfigurationProbe, type ProbePolicy } from '../../../src/domain/backoff.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import { awaitsDocument, isRefusal, probePolicy } from '../../../src/domain/refusals.ts'

type Probes = readonly [rotating: ProbePolicy | undefined, constant: ProbePolicy | undefined]

const never: Probes = [undefined, undefined]

describe('a refresh token that was refused', () => {
  test.each<[string, FailureCode, Probes]>([
    [
      'because it is dead is tried again only where no server can take that for a theft',
      'REFRESH_TOKEN_REJECTED',
      [undefined, deadGrantProbe],
    ],
    ['because somebody had used it is never tried again', 'REFRESH_TOKEN_REUSED', never],
    [
      'after an answer was lost is tried again only where it cannot have been replaced',
      'REFRESH_ANSWER_LOST',
      [undefined, deadGrantProbe],
    ],
    ['with its client is tried soon', 'CLIENT_REJECTED', [misconfigurationProbe, misconfigurationProbe]],
    ['with its scopes is tried soon', 'SCOPE_REJECTED', [misconfigurationProbe, misconfigurationProbe]],
  ])('%s', (_, code, [rotating, constant]) => {
    const refused = failure(code, 'Something was tried.')
    expect(probePolicy(refused, true)).toBe(rotating)
    expect(probePolicy(refused, false)).toBe(constant)
    expect(isRefusal(refused)).toBe(true)
  })

  test.each<[string, FailureCode]>([
    ['since it was not presented', 'TOKEN_ENDPOINT_UNREACHABLE'],
    ['since it is owned', 'REFRESH_TOKEN_OWNED'],
    ['since there is none', 'REFRESH_TOKEN_MISSING'],
  ])('by nobody, %s, is no refusal', (_, code) => {
    const refused = failure(code, 'Something was tried.')
    expect(probePolicy(refused, false)).toBeUndefined()
    expect(isRefusal(refused)).toBe(false)
  })
})

describe('another document in the store', () => {
  test.each<[FailureCode, boolean]>([
    ['REFRESH_TOKEN_REJECTED', true],
    ['REFRESH_TOKEN_REUSED', true],
    ['REFRESH_ANSWER_LOST', true],
    ['REFRESH_TOKEN_MISSING', true],
    ['REFRESH_TOKEN_MALFORMED', true],
    ['STORE_ROLLED_BACK', true],
    ['CLIENT_REJECTED', false],
    ['STORE_FORBIDDEN', false],
    ['TARGET_NOT_OWNED', false],
  ])('ends %s: %s', (code, ends) => {
    expect(awaitsDocument({ code })).toBe(ends)
  })
})
