import type { Condition, CredentialState } from './credential-state.ts'
import { isRefusal } from './refusals.ts'
import { noticeAt } from './refresh-token-term.ts'
import type { Settlement } from './step.ts'
import type { EpochSeconds } from './time.ts'
import { timeText } from './time-text.ts'

type Draft = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** Says that somebody must log in again, in time for it. Absent once the login is dead: then that is what is told. */
export function refreshTokenExpiring({
  state,
  settlement,
  now,
}: {
  readonly state: CredentialState
  readonly settlement: Settlement
  readonly now: EpochSeconds
}): Draft | undefined {
  const { refreshTokenExpiresAt: end, refreshTokenExpiryIsFixed } = state
  const from = noticeAt(state)
  if (end === undefined || from === undefined || now < from) return undefined
  if (settlement.kind === 'stalled' && isRefusal(settlement.failure)) return undefined
  const ends = `The refresh token ${now < end ? 'ends' : 'ended'} at ${timeText(end)}`
  return refreshTokenExpiryIsFixed === true
    ? expiring('LoginEnding', `${ends}, however often it is used. ${remedy}`)
    : expiring('NotUsed', `${ends} unless it is used before, and it is not being used. ${idleRemedy}`)
}

const remedy =
  'Log in again before that and put the new refresh token into the store; it is used from the next refresh on.'
const idleRemedy =
  'Let refreshes go on before that: see the other conditions for what keeps them from it. Afterwards only a new login helps.'

function expiring(reason: string, message: string): Draft {
  return { type: 'RefreshTokenExpiring', status: 'True', reason, message }
}
