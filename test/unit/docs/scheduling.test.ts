import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseGoDuration } from '../../../src/domain/duration.ts'
import { refreshAt, type ScheduleInput } from '../../../src/domain/schedule.ts'
import { stableFraction } from '../../../src/domain/stable-fraction.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { aRefreshPolicy } from '../../support/builders.ts'

const page = readFileSync(new URL('../../../docs/scheduling.md', import.meta.url), 'utf8')

/** Their jitter at refresh 0 is close to none and close to all of a tenth. */
const uids = Array.from({ length: 20_000 }, (_, index) => `uid-${index}`)
const latest = uids.find((uid) => stableFraction(uid, 0) < 0.0005) ?? ''
const earliest = uids.find((uid) => stableFraction(uid, 0) > 0.9995) ?? ''

function rowsUnder(heading: string): readonly (readonly string[])[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

function secondsOf(text = ''): number {
  const seconds = parseGoDuration(text)
  if (seconds === undefined) throw new Error(`${text} is no duration`)
  return seconds
}

function policyOf(text: string): Pick<ScheduleInput, 'policy' | 'revokesPreviousAccessToken'> {
  const [name = '', value] = text.split(': ')
  const revokesPreviousAccessToken = name === 'revokes the previous'
  if (name === 'before')
    return { policy: aRefreshPolicy({ beforeSeconds: secondsOf(value) }), revokesPreviousAccessToken }
  if (name === 'beforePercent') {
    return { policy: aRefreshPolicy({ beforePercent: Number(value) }), revokesPreviousAccessToken }
  }
  if (name !== 'default' && !revokesPreviousAccessToken) throw new Error(`the policy ${text} is not known`)
  return { policy: aRefreshPolicy(), revokesPreviousAccessToken }
}

function expectRow(input: Omit<ScheduleInput, 'uid' | 'refreshes' | 'issuedAt'>, after: string, soonest: string): void {
  const issuedAt = epochSeconds(0)
  const at = (uid: string): number => refreshAt({ ...input, uid, refreshes: 0, issuedAt })
  const tolerance = Math.max(0.1, 0.0002 * input.expiresAt)
  expect(Math.abs(at(latest) - secondsOf(after))).toBeLessThan(tolerance)
  expect(Math.abs(at(earliest) - secondsOf(soonest))).toBeLessThan(tolerance)
}

describe('docs/scheduling.md computes like the schedule', () => {
  const byAccessToken = rowsUnder('By the access token')
  const byRefreshToken = rowsUnder('By the refresh token')

  test('and has its tables', () => {
    expect(byAccessToken.length).toBeGreaterThanOrEqual(14)
    expect(byRefreshToken.length).toBeGreaterThanOrEqual(6)
  })

  test.each(byAccessToken)('a life of %s, %s: after %s, at the earliest after %s', (life, policy, after, soonest) => {
    expectRow({ expiresAt: epochSeconds(secondsOf(life)), ...policyOf(policy ?? '') }, after ?? '', soonest ?? '')
  })

  test.each(byRefreshToken)('a life of %s, idle %s, keepAlive %s: after %s, at the earliest after %s', (...row) => {
    const [life, idle = '', keepAlive = '', after = '', soonest = ''] = row
    const policy = aRefreshPolicy(keepAlive === '-' ? {} : { keepAliveSeconds: secondsOf(keepAlive) })
    const known = idle === '-' ? {} : { refreshTokenIdleSeconds: secondsOf(idle) }
    const expiresAt = epochSeconds(secondsOf(life))
    expectRow({ expiresAt, policy, revokesPreviousAccessToken: false, ...known }, after, soonest)
  })
})
