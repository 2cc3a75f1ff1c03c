import { describe, expect, it } from 'vitest'
import type { RememberedFailure } from '../../../src/domain/credential-state.ts'
import { decide } from '../../../src/domain/decide.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import { nearEndAt } from '../../../src/domain/near-end.ts'
import type { Observed } from '../../../src/domain/observed.ts'
import type { Rotation } from '../../../src/domain/provider.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { resendAfter } from '../../../src/domain/resend.ts'
import { retryAt } from '../../../src/domain/settle.ts'
import {
  aCredential,
  anAccessToken,
  anObservation,
  aProvider,
  aRotation,
  inSeconds,
  noon,
  refreshedState,
} from '../../support/builders.ts'

const leeway30 = { reuseLeewaySeconds: 30 } as const
const previous30 = { reuseLeewaySeconds: 30, leewayKind: 'PreviousGeneration' } as const

const resends: Record<string, [rotation: Partial<Rotation>, sends: number, firstAgo: number, expected: string]> = {
  'of a server of which nothing is known, once at once': [{}, 1, 60, 'at-once'],
  'of a server of which nothing is known, then near the end': [{}, 2, 65, 'near-end'],
  'within the leeway, in time': [leeway30, 1, 5, 'within-leeway'],
  'within the leeway, as often as it lasts': [leeway30, 4, 29, 'within-leeway'],
  'after the leeway, near the end': [leeway30, 1, 30, 'near-end'],
  'long after the leeway, near the end': [leeway30, 5, 3000, 'near-end'],
  'to a server that knows one generation, once': [previous30, 1, 5, 'within-leeway'],
  'to a server that knows one generation, not twice': [previous30, 2, 10, 'near-end'],
}

describe('a refresh token whose answer was lost is presented again', () => {
  it.each(Object.entries(resends))('%s', (_name, [rotation, sends, firstAgo, expected]) => {
    const provider = aProvider({ rotation: aRotation(rotation) })
    expect(resendAfter(provider, { sends, startedAt: inSeconds(-firstAgo) }, noon).kind).toBe(expected)
  })
})

/** A token of an hour that was refreshed 2400 s ago; what failed, failed now. */
function failedNow(code: FailureCode, failures: number, changes: Partial<RememberedFailure> = {}): Partial<Observed> {
  const { message } = failure(code, 'Something was tried.')
  const lastFailure = { code, message, at: noon, inputs: 'same', ...changes }
  return { state: refreshedState(2400, 3600, { consecutiveFailures: failures, lastFailure }) }
}

function sentSince(secondsAgo: number, sends: number): { readonly record: RefreshRecord } {
  const { uid, key, spec } = aCredential()
  const intent = { fingerprint: 'f', source: spec.refreshToken, startedAt: inSeconds(-secondsAgo), sends }
  return { record: { ...newRecord(uid, key), epoch: 1, intent } }
}

function withRotation(rotation: Partial<Rotation>): Partial<Observed> {
  return { provider: { kind: 'found', value: aProvider({ rotation: aRotation(rotation) }) } }
}

const lost = 'TOKEN_RESULT_UNKNOWN'
/** Remaining: 1200 s; near the end: the last 720 s. */
const nearEnd = 480

const waits: Record<string, [changes: Partial<Observed>, least: number, most: number]> = {
  'the first time after five seconds': [{ ...failedNow(lost, 1), ...sentSince(60, 1) }, 4, 6],
  'the first time after five seconds, whatever failed before': [{ ...failedNow(lost, 7), ...sentSince(60, 1) }, 4, 6],
  'the second time near the end': [{ ...failedNow(lost, 2), ...sentSince(70, 2) }, nearEnd, nearEnd],
  'without a record, as the journal says': [{ ...failedNow(lost, 2), ...journalOf(2) }, nearEnd, nearEnd],
  'after the loss of a Pod, as often as it failed': [failedNow(lost, 2), nearEnd, nearEnd],
  'after the loss of a Pod, at once when it failed once': [failedNow(lost, 1), 4, 6],
  'whatever the server says: not before the end is near': [
    { ...failedNow('TOKEN_ENDPOINT_UNAVAILABLE', 2, { retryAfterSeconds: 30 }), ...sentSince(70, 2) },
    nearEnd,
    nearEnd,
  ],
  'and never before the server asked for': [
    { ...failedNow('TOKEN_ENDPOINT_UNAVAILABLE', 2, { retryAfterSeconds: 900 }), ...sentSince(70, 2) },
    900,
    900,
  ],
  'an answer that is none counts as lost': [
    { ...failedNow('TOKEN_ANSWER_NOT_OAUTH', 2), ...sentSince(70, 2) },
    nearEnd,
    nearEnd,
  ],
  'within a leeway in a tenth of it': [{ ...failedNow(lost, 3), ...sentSince(10, 3), ...withRotation(leeway30) }, 3, 3],
  'after a leeway near the end': [
    { ...failedNow(lost, 1), ...sentSince(60, 1), ...withRotation(leeway30) },
    nearEnd,
    nearEnd,
  ],
  'a second generation near the end': [
    { ...failedNow(lost, 2), ...sentSince(10, 2), ...withRotation(previous30) },
    nearEnd,
    nearEnd,
  ],
  'a write of a store that is unknown is no lost answer': [
    { ...failedNow('STORE_WRITE_UNKNOWN', 2), ...sentSince(70, 2) },
    8,
    12,
  ],
  'a server that was not reached is no lost answer': [
    { ...failedNow('TOKEN_ENDPOINT_UNREACHABLE', 2), ...sentSince(70, 2) },
    8,
    12,
  ],
}

function journalOf(sends: number): Partial<Observed> {
  const { uid, key, spec } = aCredential()
  const { value: refreshToken } = anAccessToken()
  const request = { uid, credential: key, storeVersion: 'v1', refreshToken, source: spec.refreshToken }
  return { journal: { ...request, phase: 'sent', startedAt: inSeconds(-70), sends } }
}

describe('the next attempt is made', () => {
  it.each(Object.entries(waits))('%s', (_name, [changes, least, most]) => {
    const observed = anObservation(changes)
    const waited = (retryAt(observed, observed.state, noon) ?? 0) - noon
    expect(waited).toBeGreaterThanOrEqual(least)
    expect(waited).toBeLessThanOrEqual(most)
  })

  it('near the end and after it with longer and longer delays', () => {
    const delays = [3, 4, 5, 9].map((failures) => {
      const { lastFailure } = failedNow(lost, failures).state ?? {}
      const state = refreshedState(3700, 3600, { consecutiveFailures: failures, ...(lastFailure && { lastFailure }) })
      const observed = anObservation({ ...sentSince(900, failures), state })
      return (retryAt(observed, state, noon) ?? 0) - noon
    })
    expect(delays.toSorted((one, other) => one - other)).toEqual(delays)
    expect(delays[0]).toBeGreaterThanOrEqual(16)
    expect(delays.at(-1)).toBe(300)
  })

  it('without an access token after the usual delay', () => {
    const { lastFailure } = failedNow(lost, 2).state ?? {}
    const state = { ...aCredential().state, consecutiveFailures: 2, ...(lastFailure && { lastFailure }) }
    const observed = anObservation({ ...sentSince(10, 2), state })
    expect((retryAt(observed, state, noon) ?? 0) - noon).toBeLessThanOrEqual(12)
  })
})

describe('while it is not to be presented again', () => {
  const waiting = anObservation({ ...failedNow(lost, 2, { at: inSeconds(-30) }), ...sentSince(100, 2) })

  it('nothing is done, and the target is looked at in time', () => {
    expect(decide({ ...waiting, targetCheckAt: inSeconds(100) }, noon)).toMatchObject({
      settlement: { kind: 'retrying' },
      wakeAt: inSeconds(100),
    })
    expect(decide({ ...waiting, targetCheckAt: inSeconds(1000) }, noon)).toMatchObject({ wakeAt: inSeconds(nearEnd) })
  })

  it('a look that is overdue does not wake anybody again and again', () => {
    expect(decide({ ...waiting, targetCheckAt: inSeconds(-1) }, noon)).toMatchObject({ wakeAt: inSeconds(nearEnd) })
  })

  it('a target that lost its token gets it back', () => {
    const observed: Observed = {
      ...waiting,
      accessToken: anAccessToken(inSeconds(1200)),
      target: { kind: 'observed', state: { kind: 'absent' } },
    }
    expect(decide(observed, noon)).toMatchObject({ action: { kind: 'publish' } })
  })

  it('a human who asks for a refresh gets one', () => {
    const asked = { ...waiting, credential: aCredential({ refreshRequest: 'now' }), inputs: 'other' }
    expect(decide(asked, noon)).toMatchObject({ action: { kind: 'read-refresh-token' } })
  })
})

describe('an access token is near its end', () => {
  it('in the last fifth of its life', () => {
    expect(nearEndAt(refreshedState(0, 3600), inSeconds(0))).toBe(inSeconds(2880))
  })

  it('never when there is none', () => {
    expect(nearEndAt(aCredential().state, inSeconds(0))).toBeUndefined()
  })
})
