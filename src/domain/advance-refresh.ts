import { conclude } from './conclude.ts'
import { keyText } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { sameSecret } from './sensitive.ts'
import { settleFailed, settleFine, withoutFailure } from './settle.ts'
import type { Outcome, Progress, SendOutcome, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { RotatedTokens, StoredRefreshToken } from './tokens.ts'

type Sent = Extract<Outcome, { kind: 'send-refresh-token' }>
type Answered = Extract<SendOutcome, { kind: 'answered' }>

/** Follows a refresh request. `persisted`: the store is known to hold the newest refresh token already. */
export function afterSend(
  observed: Observed,
  progress: Progress,
  { base, sent, persisted = false }: Sent & { readonly persisted?: boolean },
  now: EpochSeconds,
): Step {
  const used: Progress = { ...progress, state: { ...progress.state, storeVersion: base.version } }
  if (sent.kind !== 'answered') return settleFailed(observed, used, sent.failure, now)
  return sent.reading.kind === 'issued'
    ? afterIssue(observed, used, pendingOf(sent.reading.tokens, { base, persisted, now }), now)
    : afterRefusal(observed, used, { base, sent, persisted }, now)
}

function afterIssue(observed: Observed, progress: Progress, pending: PendingTokens, now: EpochSeconds): Step {
  const { credential } = observed
  const { accessToken, refreshTokenExpiresAt } = pending.tokens
  const kept = withoutFailure(progress.state)
  const state: CredentialState = {
    ...kept,
    observedGeneration: credential.generation,
    refreshes: kept.refreshes + 1,
    ...(refreshTokenExpiresAt !== undefined && { refreshTokenExpiresAt }),
    ...(credential.refreshRequest !== undefined && { handledRefreshRequest: credential.refreshRequest }),
  }
  const { rejected: _accepted, ...rest } = progress
  const next: Progress = { ...rest, state, pending, ...(accessToken && { accessToken }) }
  if (!pending.persisted) return { kind: 'act', action: { kind: 'write-back', pending }, progress: next }
  if (accessToken !== undefined) return { kind: 'act', action: { kind: 'publish', accessToken }, progress: next }
  return conclude(observed, next, now)
}

interface Refusal {
  readonly base: StoredRefreshToken
  readonly sent: Answered
  readonly persisted: boolean
}

function afterRefusal(
  observed: Observed,
  progress: Progress,
  { base, sent, persisted }: Refusal,
  now: EpochSeconds,
): Step {
  if (sent.reading.kind !== 'refused') return settleFine(observed, progress, now)
  const cause = causeOf(observed, sent.reading.failure, sent.sends)
  const { refreshToken } = sent.reading
  const marked =
    cause.next === 'stall' ? acknowledged(observed, { ...progress, rejected: base.refreshToken }) : progress
  if (refreshToken === undefined || persisted) {
    return settleFailed(observed, { ...marked, answerSettled: true }, cause, now)
  }
  // The answer was of no use, but it brought a successor: that one is kept whatever else is wrong.
  const pending = pendingOf({ refreshToken }, { base, persisted: false, now })
  return { kind: 'act', action: { kind: 'write-back', pending }, progress: { ...marked, pending, cause } }
}

/** A refusal after a send whose answer was lost most likely means that the lost answer held the successor. */
function causeOf(observed: Observed, cause: Failure, sends: number): Failure {
  if (cause.code !== 'REFRESH_TOKEN_REJECTED' || sends < 2) return cause
  return failure(
    'REFRESH_ANSWER_LOST',
    `The authorization server refused the refresh token of OAuthCredential ${keyText(observed.credential.key)}, which had been sent ${sends} times.`,
  )
}

function acknowledged(observed: Observed, progress: Progress): Progress {
  const { refreshRequest } = observed.credential
  if (refreshRequest === undefined) return progress
  return { ...progress, state: { ...progress.state, handledRefreshRequest: refreshRequest } }
}

interface PendingContext {
  readonly base: StoredRefreshToken
  readonly persisted: boolean
  readonly now: EpochSeconds
}

/** An answer that waited in the journal may hold an access token that is over: only its refresh token counts then. */
function pendingOf(tokens: RotatedTokens, { base, persisted, now }: PendingContext): PendingTokens {
  const { accessToken, ...others } = tokens
  const alive = accessToken !== undefined && accessToken.expiresAt > now
  const rotated = tokens.refreshToken !== undefined && !sameSecret(tokens.refreshToken, base.refreshToken)
  return {
    tokens: alive ? tokens : others,
    base,
    persisted: persisted || !rotated,
    published: !alive,
    writeBackFailures: 0,
  }
}
