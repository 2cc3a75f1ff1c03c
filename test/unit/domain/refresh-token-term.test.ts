import { describe, expect, it } from 'vitest'
import { noState } from '../../../src/domain/credential-state.ts'
import type { RefreshTokenLifetime } from '../../../src/domain/provider.ts'
import {
  idleSecondsOf,
  noticeAt,
  type RefreshTokenTerm,
  type RefreshTokenUse,
  termAfter,
} from '../../../src/domain/refresh-token-term.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { inSeconds, noon } from '../../support/builders.ts'

const day = 86_400
const hour = 3600
type Before = Parameters<typeof termAfter>[0]

/** A login that was first used a day ago and last an hour ago. */
const known: Before = { loginUsedAt: inSeconds(-day), lastRefreshAt: inSeconds(-hour) }

function use(changes: Partial<RefreshTokenUse> = {}): RefreshTokenUse {
  return { startedAt: noon, rotated: true, continues: true, ...changes }
}

const terms: Record<string, [Before, RefreshTokenUse, RefreshTokenLifetime, RefreshTokenTerm]> = {
  'nothing is known of a server that says nothing': [known, use(), {}, { loginUsedAt: inSeconds(-day) }],
  'what the answer says is believed': [
    known,
    use({ told: inSeconds(30 * day) }),
    { idleSeconds: hour, absoluteSeconds: hour },
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(30 * day) },
  ],
  'an end that has moved along slides': [
    { ...known, refreshTokenExpiresAt: inSeconds(30 * day - hour) },
    use({ told: inSeconds(30 * day) }),
    {},
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(30 * day) },
  ],
  'an end that has not moved is fixed': [
    { ...known, refreshTokenExpiresAt: inSeconds(30 * day) },
    use({ told: inSeconds(30 * day + 1) }),
    {},
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(30 * day + 1), refreshTokenExpiryIsFixed: true },
  ],
  'a fixed end that moves again is not fixed any more': [
    { ...known, refreshTokenExpiresAt: inSeconds(hour), refreshTokenExpiryIsFixed: true },
    use({ told: inSeconds(30 * day) }),
    {},
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(30 * day) },
  ],
  'two answers in one minute tell nothing new about it': [
    { ...known, lastRefreshAt: inSeconds(-59), refreshTokenExpiresAt: inSeconds(day), refreshTokenExpiryIsFixed: true },
    use({ told: inSeconds(day) }),
    {},
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(day), refreshTokenExpiryIsFixed: true },
  ],
  'a token that never ends has no end, whatever was known before': [
    { ...known, refreshTokenExpiresAt: inSeconds(day) },
    use({ told: 'never' }),
    { idleSeconds: hour },
    { loginUsedAt: inSeconds(-day) },
  ],
  'another login is not measured by the one before': [
    { ...known, refreshTokenExpiresAt: inSeconds(day), refreshTokenExpiryIsFixed: true },
    use({ told: inSeconds(day), continues: false }),
    {},
    { loginUsedAt: noon, refreshTokenExpiresAt: inSeconds(day) },
  ],
  'another login begins the declared life anew': [
    known,
    use({ continues: false }),
    { absoluteSeconds: 90 * day },
    { loginUsedAt: noon, refreshTokenExpiresAt: inSeconds(90 * day), refreshTokenExpiryIsFixed: true },
  ],
  'a declared idle life counts from the last use': [
    known,
    use(),
    { idleSeconds: 30 * day },
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(30 * day) },
  ],
  'a declared absolute life counts from the first use': [
    known,
    use(),
    { absoluteSeconds: 30 * day },
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(29 * day), refreshTokenExpiryIsFixed: true },
  ],
  'of both the earlier end counts': [
    known,
    use(),
    { idleSeconds: 7 * day, absoluteSeconds: 365 * day },
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(7 * day) },
  ],
  'a token that stays keeps the end that was told once': [
    { ...known, refreshTokenExpiresAt: inSeconds(9 * day) },
    use({ rotated: false }),
    {},
    { loginUsedAt: inSeconds(-day), refreshTokenExpiresAt: inSeconds(9 * day), refreshTokenExpiryIsFixed: true },
  ],
  'a successor of which nothing is said has no known end': [
    { ...known, refreshTokenExpiresAt: inSeconds(9 * day) },
    use(),
    {},
    { loginUsedAt: inSeconds(-day) },
  ],
}

describe('the end of a refresh token', () => {
  it.each(Object.entries(terms))('%s', (_, [before, used, declared, expected]) => {
    expect(termAfter(before, used, declared)).toEqual(expected)
  })

  it('does not hurry towards a fixed end: its use changes nothing', () => {
    const state = { ...noState, lastRefreshAt: noon, refreshTokenExpiresAt: inSeconds(day) }
    expect(idleSecondsOf(state, {})).toBe(day)
    expect(idleSecondsOf({ ...state, refreshTokenExpiryIsFixed: true }, {})).toBeUndefined()
    expect(idleSecondsOf({ ...state, refreshTokenExpiryIsFixed: true }, { idleSeconds: hour })).toBe(hour)
    expect(idleSecondsOf(noState, { idleSeconds: hour })).toBe(hour)
  })
})

describe('the notice of an end', () => {
  const fixed = { ...noState, lastRefreshAt: noon, refreshTokenExpiryIsFixed: true } as const

  it('comes a week before a login ends, or a fifth of its life', () => {
    const year = { ...fixed, loginUsedAt: inSeconds(-335 * day), refreshTokenExpiresAt: inSeconds(30 * day) }
    expect(noticeAt(year)).toBe(inSeconds(23 * day))
    const ten = { ...fixed, loginUsedAt: noon, refreshTokenExpiresAt: inSeconds(10 * hour) }
    expect(noticeAt(ten)).toBe(inSeconds(8 * hour))
  })

  it('comes for a token that is not used when a fifth of its idle life is left', () => {
    const idle = { ...noState, lastRefreshAt: noon, loginUsedAt: inSeconds(-365 * day) }
    expect(noticeAt({ ...idle, refreshTokenExpiresAt: inSeconds(1800) })).toBe(inSeconds(1440))
    expect(noticeAt(noState)).toBeUndefined()
  })

  it('survives a clock that went back', () => {
    expect(noticeAt({ ...fixed, loginUsedAt: inSeconds(day), refreshTokenExpiresAt: noon })).toBe(epochSeconds(noon))
  })
})
