import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  backoff,
  deadGrantProbe,
  lookDelay,
  misconfigurationProbe,
  probeDelay,
  recheckDelay,
} from '../../../src/domain/backoff.ts'
import { noState } from '../../../src/domain/credential-state.ts'
import { failure } from '../../../src/domain/failures.ts'
import { stalledLookDelay } from '../../../src/domain/settle.ts'
import { refreshAt, type ScheduleInput } from '../../../src/domain/schedule.ts'
import { stableFraction } from '../../../src/domain/stable-fraction.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { aRefreshPolicy } from '../../support/builders.ts'

const start = 1_800_000_000
/** The uid is searched for: one whose jitter at refresh 0 is close to none, so that the tables read plainly. */
const calmUid = Array.from({ length: 10_000 }, (_, index) => `uid-${index}`).find(
  (uid) => stableFraction(uid, 0) < 0.001,
)

function input(lifetime: number, changes: Partial<ScheduleInput> = {}): ScheduleInput {
  return {
    uid: calmUid ?? '',
    refreshes: 0,
    issuedAt: epochSeconds(start),
    expiresAt: epochSeconds(start + lifetime),
    policy: aRefreshPolicy(),
    revokesPreviousAccessToken: false,
    ...changes,
  }
}

function remainingAtRefresh(lifetime: number, changes: Partial<ScheduleInput> = {}): number {
  return start + lifetime - refreshAt(input(lifetime, changes))
}

describe('refreshAt', () => {
  const table: Record<string, [lifetime: number, expectedRemaining: number, changes?: Partial<ScheduleInput>]> = {
    'an hour: a third of it remains': [3600, 1200],
    'twenty minutes: ten remain, since a third would be less': [1200, 600],
    'five minutes: half of them remain, since ten minutes are more than the life': [300, 150],
    'twenty seconds: half of them remain': [20, 10],
    'a day: a third of it remains': [86_400, 28_800],
    '`before` is taken as it is': [3600, 300, { policy: aRefreshPolicy({ beforeSeconds: 300 }) }],
    '`beforePercent` is a share of the life': [3600, 900, { policy: aRefreshPolicy({ beforePercent: 25 }) }],
    'a server that kills the old token is asked late': [3600, 360, { revokesPreviousAccessToken: true }],
    'a `before` longer than the life does not spin': [600, 540, { policy: aRefreshPolicy({ beforeSeconds: 3600 }) }],
  }

  it.each(Object.entries(table))('%s', (_, [lifetime, expected, changes]) => {
    const remaining = remainingAtRefresh(lifetime, changes)
    expect(remaining).toBeGreaterThanOrEqual(expected)
    expect(remaining).toBeLessThanOrEqual(expected + lifetime * 0.002)
  })

  it('refreshes at least as often as keepAlive asks', () => {
    const at = refreshAt(input(30 * 86_400, { policy: aRefreshPolicy({ keepAliveSeconds: 86_400 }) }))
    expect(at - start).toBeLessThanOrEqual(86_400)
    expect(at - start).toBeGreaterThanOrEqual(86_400 * 0.9)
  })

  const month = 30 * 86_400
  const keepAlives: Record<string, [changes: Partial<ScheduleInput>, afterSeconds: number]> = {
    'a third of the idle life of its refresh token, when nothing is asked for': [
      { refreshTokenIdleSeconds: 86_400 },
      28_800,
    ],
    'what a manifest asks for, when that is sooner': [
      { refreshTokenIdleSeconds: 86_400, policy: aRefreshPolicy({ keepAliveSeconds: 3600 }) },
      3600,
    ],
    'what a manifest asks for, when that is later': [
      { refreshTokenIdleSeconds: 86_400, policy: aRefreshPolicy({ keepAliveSeconds: 50_000 }) },
      50_000,
    ],
    'two thirds of the idle life at the latest': [
      { refreshTokenIdleSeconds: 86_400, policy: aRefreshPolicy({ keepAliveSeconds: 86_400 }) },
      57_600,
    ],
    'a second at the earliest': [{ refreshTokenIdleSeconds: 1 }, 1],
  }

  it.each(Object.entries(keepAlives))('refreshes a token that lives a month after %s', (_, [changes, expected]) => {
    const after = refreshAt(input(month, changes)) - start
    expect(after).toBeLessThanOrEqual(expected)
    expect(after).toBeGreaterThan(expected * 0.999)
  })

  it('lets no refresh token die idle, whatever lives how long and whatever is asked for', () => {
    const seconds = fc.integer({ min: 2, max: 400 * 86_400 })
    fc.assert(
      fc.property(fc.uuid(), seconds, seconds, fc.option(seconds), (uid, lifetime, idle, keepAlive) => {
        const policy = aRefreshPolicy(keepAlive === null ? {} : { keepAliveSeconds: keepAlive })
        const at = refreshAt(input(lifetime, { uid, policy, refreshTokenIdleSeconds: idle }))
        expect(at - start).toBeLessThanOrEqual(Math.max(1, (2 / 3) * idle))
      }),
    )
  })

  it('jitters only to earlier, by at most a tenth of the life, and the same way each time', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(1000), fc.integer({ min: 10, max: 1_000_000 }), (uid, refreshes, lifetime) => {
        const jittered = input(lifetime, { uid, refreshes })
        const plain = Math.max(lifetime / 3, Math.min(600, lifetime / 2))
        const remaining = start + lifetime - refreshAt(jittered)
        expect(refreshAt(jittered)).toBe(refreshAt({ ...jittered }))
        expect(remaining).toBeGreaterThanOrEqual(plain - 1e-3)
        expect(remaining).toBeLessThanOrEqual(plain + lifetime * 0.1 + 1e-3)
      }),
    )
  })

  it('never lies before the token was issued, nor spins, whatever the policy', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), fc.integer({ min: 1, max: 99 }), (lifetime, before, percent) => {
        for (const policy of [{ beforeSeconds: before }, { beforePercent: percent }, {}].map(aRefreshPolicy)) {
          expect(refreshAt(input(lifetime, { policy })) - start).toBeGreaterThanOrEqual(1)
        }
      }),
    )
  })

  it('spreads ten thousand credentials of one lifetime over the jitter evenly', () => {
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let index = 0; index < 10_000; index += 1) {
      const tenth = Math.floor(stableFraction(`00000000-0000-4000-8000-${index}`, 3) * 10)
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    for (const count of tenths) expect(count).toBeGreaterThan(850)
  })
})

describe('backoff', () => {
  const failedAt = epochSeconds(start)

  it('doubles from 5 s to 5 min, give or take a fifth', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 20].map((failures) => backoff({ uid: 'a', failures, failedAt }))
    const plain = [5, 10, 20, 40, 80, 160, 300, 300]
    delays.forEach((delay, index) => {
      expect(delay).toBeGreaterThanOrEqual((plain[index] ?? 0) * 0.8)
      expect(delay).toBeLessThanOrEqual(Math.min(300, (plain[index] ?? 0) * 1.2))
    })
  })

  it('takes no more than a quarter of the remaining life, and no less than 5 s', () => {
    expect(backoff({ uid: 'a', failures: 9, failedAt, expiresAt: epochSeconds(start + 100) })).toBe(25)
    expect(backoff({ uid: 'a', failures: 9, failedAt, expiresAt: epochSeconds(start + 4) })).toBe(5)
  })

  it('waits as long as the server asked, even beyond the life of the token', () => {
    const expiresAt = epochSeconds(start + 100)
    expect(backoff({ uid: 'a', failures: 1, failedAt, expiresAt, retryAfterSeconds: 900 })).toBe(900)
  })

  it('hurries within the leeway of a server whose answer was lost', () => {
    expect(backoff({ uid: 'a', failures: 1, failedAt, reuseLeewaySeconds: 30 })).toBe(3)
    expect(backoff({ uid: 'a', failures: 1, failedAt, reuseLeewaySeconds: 1800 })).toBeGreaterThanOrEqual(4)
  })

  it('rechecks a stall after 15 s, then 30 s, then every minute', () => {
    expect([0, 1, 2, 3, 4, 50].map((failures) => recheckDelay(failures, 0))).toEqual([15, 15, 30, 60, 60, 60])
    expect([0, 15, 30, 59, 3600].map((waited) => recheckDelay(1, waited))).toEqual([15, 15, 30, 59, 60])
  })

  it.each([
    ['PROVIDER_NOT_FOUND', 45],
    ['REFRESH_TOKEN_OWNED', 45],
    // Nobody tells that somebody else's Secret is gone.
    ['TARGET_NOT_OWNED', 15],
    ['SCOPE_REJECTED', 15],
  ] as const)('looks again after %s for the same finding every %d s, once that has lasted for 45', (code, expected) => {
    const lastFailure = { code, message: '', at: epochSeconds(1000), inputs: '' }
    const state = { ...noState, consecutiveFailures: 1, lastFailure }
    expect(stalledLookDelay({ store: { kind: 'missing' } }, state, failure(code, ''), epochSeconds(1045))).toBe(
      expected,
    )
  })

  it('looks for another document every few seconds, and every minute where that costs money', () => {
    expect([0, 300, 600, 900, 90_000].map((waited) => lookDelay('vault', waited))).toEqual([5, 5, 10, 15, 15])
    expect([0, 90_000].map((waited) => lookDelay('awsSecretsManager', waited))).toEqual([60, 60])
  })

  it('confirms a dead grant after a minute, and probes it hourly to daily', () => {
    expect([1, 2, 3, 9].map((refusals) => probeDelay(deadGrantProbe, refusals))).toEqual([60, 3600, 7200, 86_400])
  })

  it('probes a mistake every five minutes to hourly', () => {
    expect([1, 2, 9].map((refusals) => probeDelay(misconfigurationProbe, refusals))).toEqual([300, 600, 3600])
  })
})
