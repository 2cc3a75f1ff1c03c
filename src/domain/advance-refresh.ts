import { conclude, isForSpec } from './conclude.ts'
import { keyText, type RefreshTokenSource } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { sameSecret } from './sensitive.ts'
import { settleSent, withoutFailure } from './settle.ts'
import type { Outcome, Progress, SendOutcome, Step } from './step.ts'
import type { TokenAnswerReading } from './token-exchange.ts'
import type { EpochSeconds } from './time.ts'
import type { IssuedTokens, RotatedTokens, StoredRefreshToken } from './tokens.ts'

type Sent = Extract<Outcome, { kind: 'send-refresh-token' }>
type Answered = Extract<SendOutcome, { kind: 'answered' }>
type Refused = Extract<TokenAnswerReading, { kind: 'refused' }>

/** An answer that waited in the journal, perhaps for days. */
export interface Journaled {
  /** Where its refresh token came from. */
  readonly source: RefreshTokenSource
  /** True when the store is known to hold the newest refresh token already. */
  readonly persisted: boolean
}

interface Received {
  readonly base: StoredRefreshToken
  readonly sent: Answered
  readonly journaled: Journaled | undefined
}

/** Follows a refresh request, or the answer of one that an earlier process made. */
export function afterSend(
  observed: Observed,
  progress: Progress,
  { base, sent, journaled }: Sent & { readonly journaled?: Journaled },
  now: EpochSeconds,
): Step {
  const used: Progress = { ...progress, state: { ...progress.state, storeVersion: base.version } }
  if (sent.kind !== 'answered') return settleSent(observed, used, sent.failure, now)
  const received = { base, sent, journaled }
  return sent.reading.kind === 'issued'
    ? afterIssue(observed, used, { ...received, tokens: sent.reading.tokens }, now)
    : afterRefusal(observed, used, { ...received, reading: sent.reading }, now)
}

function afterIssue(
  observed: Observed,
  progress: Progress,
  received: Received & { readonly tokens: IssuedTokens },
  now: EpochSeconds,
): Step {
  const { tokens, journaled } = received
  const pending = pendingOf(observed, tokens, received, now)
  const { rejected: _accepted, ...rest } = progress
  const state = issuedState(observed, progress.state, received)
  const { accessToken } = pending.tokens
  const next: Progress = { ...rest, state, pending, ...(accessToken && { accessToken }) }
  const over = accessToken === undefined && journaled === undefined ? { cause: arrivedOver(observed) } : {}
  if (!pending.persisted)
    return { kind: 'act', action: { kind: 'write-back', pending }, progress: { ...next, ...over } }
  if (accessToken !== undefined && isForSpec(observed, pending)) {
    return { kind: 'act', action: { kind: 'publish', accessToken }, progress: next }
  }
  return conclude(observed, { ...next, ...over }, now)
}

function issuedState(
  { credential }: Observed,
  before: CredentialState,
  { tokens, journaled }: Received & { readonly tokens: IssuedTokens },
): CredentialState {
  const kept = withoutFailure(before)
  const { refreshTokenExpiresAt } = tokens
  // An answer that waited is older than a request that somebody made since.
  const handled = journaled === undefined ? credential.refreshRequest : undefined
  return {
    ...kept,
    observedGeneration: credential.generation,
    refreshes: kept.refreshes + 1,
    ...(refreshTokenExpiresAt !== undefined && { refreshTokenExpiresAt }),
    ...(handled !== undefined && { handledRefreshRequest: handled }),
  }
}

function arrivedOver({ credential }: Observed): Failure {
  const what = `The access token of OAuthCredential ${keyText(credential.key)} was over before its answer was complete.`
  return failure('TOKEN_ANSWER_INCOMPLETE', what)
}

function afterRefusal(
  observed: Observed,
  progress: Progress,
  received: Received & { readonly reading: Refused },
  now: EpochSeconds,
): Step {
  const { base, sent, reading, journaled } = received
  const cause = causeOf(observed, reading.failure, sent.sends)
  const { refreshToken } = reading
  const marked =
    cause.next === 'stall' ? acknowledged(observed, { ...progress, rejected: base.refreshToken }) : progress
  if (refreshToken === undefined || journaled?.persisted === true) {
    return settleSent(observed, { ...marked, answerSettled: true }, cause, now)
  }
  // The answer was of no use, but it brought a successor: that one is kept whatever else is wrong.
  const pending = pendingOf(observed, { refreshToken }, received, now)
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

/** An answer that waited in the journal may hold an access token that is over: only its refresh token counts then. */
function pendingOf(
  { credential }: Observed,
  tokens: RotatedTokens,
  { base, journaled }: Received,
  now: EpochSeconds,
): PendingTokens {
  const { accessToken, ...others } = tokens
  const alive = accessToken !== undefined && accessToken.expiresAt > now
  const rotated = tokens.refreshToken !== undefined && !sameSecret(tokens.refreshToken, base.refreshToken)
  return {
    tokens: alive ? tokens : others,
    base,
    source: journaled?.source ?? credential.spec.refreshToken,
    persisted: (journaled?.persisted ?? false) || !rotated,
    published: !alive,
    writeBackFailures: 0,
  }
}
