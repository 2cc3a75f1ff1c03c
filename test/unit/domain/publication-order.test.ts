import { describe, expect, it } from 'vitest'
import { decide } from '../../../src/domain/decide.ts'
import { datedAfter, isIssuedLater } from '../../../src/domain/publication-order.ts'
import type { TargetState } from '../../../src/domain/target-state.ts'
import { epochSeconds, type EpochSeconds } from '../../../src/domain/time.ts'
import { anAccessToken, anObservation, inSeconds, noon, refreshedState } from '../../support/builders.ts'

type OwnTarget = Extract<TargetState, { kind: 'ours' }>

describe('isIssuedLater', () => {
  const orders: Record<string, [found: EpochSeconds | undefined, issuedAt: EpochSeconds, later: boolean]> = {
    'an earlier token': [inSeconds(-600), inSeconds(-599), false],
    'the same token': [inSeconds(-600), inSeconds(-600), false],
    'the same token, of which the target keeps whole seconds': [inSeconds(-600), inSeconds(-599.5), false],
    'the same token, of which the memory keeps whole seconds': [inSeconds(-599.5), inSeconds(-600), false],
    'a later token': [inSeconds(-599), inSeconds(-600), true],
    'a later token of a clock that is a little ahead': [inSeconds(60), inSeconds(-600), true],
    'a token of a clock that is wrong': [inSeconds(61), inSeconds(-600), false],
    'a token of which it is not known when it was issued': [undefined, inSeconds(-600), false],
  }

  it.each(Object.entries(orders))('%s', (_what, [found, issuedAt, later]) => {
    expect(isIssuedLater(found, issuedAt, noon)).toBe(later)
  })
})

describe('datedAfter', () => {
  const token = { ...anAccessToken(), issuedAt: noon, expiresAt: inSeconds(3600) }
  const dates: Record<string, [known: readonly EpochSeconds[], date: EpochSeconds]> = {
    'no other one': [[], noon],
    'an earlier one': [[inSeconds(-1)], noon],
    'one of the same time': [[noon], inSeconds(1)],
    'one of the same second': [[inSeconds(0.9)], inSeconds(1)],
    'one of a clock that is a little ahead': [[inSeconds(-5), inSeconds(4.5)], inSeconds(5)],
    'one of a clock that is so far ahead that the schedule would suffer': [[inSeconds(5)], noon],
    'one of a clock that is wrong': [[inSeconds(0.5), inSeconds(3600)], inSeconds(1)],
  }

  it.each(Object.entries(dates))('%s', (_what, [known, issuedAt]) => {
    expect(datedAfter(token, known)).toEqual({ ...token, issuedAt })
  })

  it('tells the order, whatever the second', () => {
    for (let start = 0; start < 2; start += 0.125) {
      const started = { ...token, issuedAt: inSeconds(start) }
      for (let ahead = 0; ahead <= 4; ahead += 0.125) {
        const known = inSeconds(start + ahead)
        expect(isIssuedLater(datedAfter(started, [known]).issuedAt, known, noon)).toBe(true)
      }
    }
  })

  it('leaves the schedule of a short life as it is', () => {
    const short = { ...token, expiresAt: inSeconds(20) }
    expect(datedAfter(short, [inSeconds(2)])).toBe(short)
    expect(datedAfter(short, [inSeconds(1)]).issuedAt).toBe(inSeconds(2))
  })
})

// The state knows of a token that was issued 600 seconds ago and has 3000 seconds left.
const asPublished: OwnTarget = {
  kind: 'ours',
  digest: 'digest.login',
  issuedAt: inSeconds(-600),
  expiresAt: inSeconds(3000),
  intact: true,
}
const { issuedAt: _issued, ...withoutIssueTime } = asPublished
const { expiresAt: _end, ...withoutTimes } = withoutIssueTime

/** What is done with the token at hand, and without one, about a target. */
const targets: Record<string, [found: OwnTarget, withToken: string, withoutToken: string]> = {
  'as it was published': [asPublished, 'nothing', 'nothing'],
  'of another replica, and newer': [
    { ...asPublished, issuedAt: inSeconds(-60), expiresAt: inSeconds(3540) },
    'nothing',
    'nothing',
  ],
  'of another replica, and newer, with a shorter life': [
    { ...asPublished, issuedAt: inSeconds(-60), expiresAt: inSeconds(240) },
    'nothing',
    'nothing',
  ],
  'restored from a backup': [
    { ...asPublished, issuedAt: inSeconds(-4000), expiresAt: inSeconds(-400) },
    'publish',
    'read-refresh-token',
  ],
  'restored from a backup, with a longer life': [
    { ...asPublished, issuedAt: inSeconds(-4000), expiresAt: inSeconds(9000) },
    'publish',
    'read-refresh-token',
  ],
  'restored from a backup of an earlier release': [
    { ...withoutIssueTime, expiresAt: inSeconds(2999) },
    'publish',
    'read-refresh-token',
  ],
  'of an earlier release': [withoutIssueTime, 'nothing', 'nothing'],
  'with a later end and no issue time': [{ ...withoutIssueTime, expiresAt: inSeconds(3001) }, 'nothing', 'nothing'],
  'without its times': [withoutTimes, 'nothing', 'nothing'],
  'with an end that is not that of its token': [
    { ...asPublished, expiresAt: inSeconds(2000) },
    'publish',
    'read-refresh-token',
  ],
  'with other outputs': [{ ...asPublished, digest: 'other.login' }, 'publish', 'read-refresh-token'],
  'of another replica, newer, and with other outputs': [
    { ...asPublished, digest: 'other.login', issuedAt: inSeconds(-60) },
    'read-refresh-token',
    'read-refresh-token',
  ],
  'of another replica, newer, and damaged': [
    { ...asPublished, intact: false, issuedAt: inSeconds(-60) },
    'read-refresh-token',
    'read-refresh-token',
  ],
  'of a clock that is wrong, and damaged': [
    { ...asPublished, intact: false, issuedAt: inSeconds(86_400) },
    'publish',
    'read-refresh-token',
  ],
}

describe('a target of ours', () => {
  const token = { ...anAccessToken(inSeconds(3000)), issuedAt: inSeconds(-600) }
  const done = (found: OwnTarget, changes: Parameters<typeof anObservation>[0]): string => {
    const step = decide(anObservation({ target: { kind: 'observed', state: found }, ...changes }), noon)
    return step.kind === 'act' ? step.action.kind : 'nothing'
  }

  it.each(Object.entries(targets))('%s', (_what, [found, withToken, withoutToken]) => {
    expect(done(found, { accessToken: token })).toBe(withToken)
    expect(done(found, {})).toBe(withoutToken)
  })

  it('is the same in whole seconds, which is all that targets and statuses keep', () => {
    const { lastRefreshAt, accessTokenExpiresAt, ...others } = refreshedState(600, 3600)
    if (lastRefreshAt === undefined || accessTokenExpiresAt === undefined) throw new Error('nothing was published')
    const state = {
      ...others,
      lastRefreshAt: epochSeconds(lastRefreshAt + 0.9),
      accessTokenExpiresAt: epochSeconds(accessTokenExpiresAt + 0.9),
    }
    expect(done(asPublished, { state })).toBe('nothing')
    const fraction = {
      ...asPublished,
      issuedAt: epochSeconds(lastRefreshAt + 0.9),
      expiresAt: epochSeconds(accessTokenExpiresAt + 0.9),
    }
    expect(done(fraction, {})).toBe('nothing')
  })
})
