import { afterNoAnswer } from './after-no-answer.ts'
import { conclude, isAtHome, isForSpec } from './conclude.ts'
import { keyText, refreshTokenSpec, type RefreshTokenSource } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import { type Failure, failure } from './failures.ts'
import { answeredBy } from './known-server.ts'
import { withLoginReplaced } from './login-replaced.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { present } from './present.ts'
import { datedAfter } from './publication-order.ts'
import { withoutRecord } from './opened-tokens.ts'
import { intentsOf, newestIn } from './refresh-record.ts'
import { mayBeAnnounced, wasAnnounced } from './rotation.ts'
import { withoutTerm, withTerm } from './refresh-token-term.ts'
import { withPresented } from './refused-token.ts'
import { tokenRefusal } from './refusals.ts'
import { sameSecret, type Sensitive } from './sensitive.ts'
import { settleSent, withoutFailure } from './settle.ts'
import { storeWriteDueAt as storeWriteDueAtOf } from './store-pacing.ts'
import type { Outcome, Progress, SendAction, SendOutcome, Step } from './step.ts'
import type { TokenAnswerReading } from './token-exchange.ts'
import type { EpochSeconds } from './time.ts'
import { issuanceMark } from './issuance-mark.ts'
import type { IssuedTokens, RotatedTokens, StoredRefreshToken } from './tokens.ts'

type Sent = Extract<Outcome, { kind: 'send-refresh-token' }>
type Answered = Extract<SendOutcome, { kind: 'answered' }>
type Refused = Extract<TokenAnswerReading, { kind: 'refused' }>

/** An answer that waited in the journal, perhaps for days. */
export interface Journaled {
  /** Where its refresh token came from. */
  readonly source: RefreshTokenSource
  /** Of the document that it came from, which may be another one by now. */
  readonly storeVersion: string
  /** True when the store is known to hold the newest refresh token already. */
  readonly persisted: boolean
  /** True when that is one which somebody else put there: these tokens are nobody's business any more. */
  readonly superseded: boolean
  /** True when it is of another login than the record knows. */
  readonly isReplaced: boolean
  /** As the journal says. */
  readonly announced?: boolean
}

interface Received {
  readonly action: SendAction
  readonly sent: Answered
  readonly journaled: Journaled | undefined
  /** False while the record may hold the intent to send. */
  readonly isTakenBack: boolean
  /** True when the token that was presented is of the login that was used before. */
  readonly continues: boolean
}

type Reported = Sent & { readonly journaled?: Journaled }

/** Follows a refresh request, or the answer of one that an earlier process made. */
export function afterSend(observed: Observed, progress: Progress, outcome: Reported, now: EpochSeconds): Step {
  const { action, sent, record, journaled } = outcome
  const known = afterRequest(observed, progress, outcome)
  const presented = presentedBy(action, journaled)
  const continues = isOfKnownLogin(known, presented)
  const used = sent.kind === 'not-sent' ? known : usedUp(known, { presented, continues }, now)
  if (sent.kind !== 'answered') return afterNoAnswer(observed, used, { action, cause: sent.failure }, now)
  // What the record may still say of this process is taken back first: nobody else could tell that it is over.
  const isTakenBack = action.record === undefined ? !leftAnIntent(observed) : record !== undefined
  const received = { action, sent, journaled, isTakenBack, continues }
  return sent.reading.kind === 'issued'
    ? afterIssue(observed, used, { ...received, tokens: sent.reading.tokens }, now)
    : afterRefusal(observed, used, { ...received, reading: sent.reading }, now)
}

/** What is known of the record. A request that it was not told of leaves that as it is. */
function afterRequest(
  { provider }: Pick<Observed, 'provider'>,
  { intentWatch: _over, foundAlone: foundBefore, ...rest }: Progress,
  { action, record, foundAlone, journaled }: Reported,
): Progress {
  const isOutdated = record === undefined && action.record !== undefined
  const known = isOutdated ? withoutRecord(rest) : { ...rest, ...present({ record: record ?? rest.record }) }
  if (action.record !== undefined && journaled === undefined) return { ...known, ...present({ foundAlone }) }
  // Where nobody is told, others may have come.
  return mayBeAnnounced(provider) ? { ...known, ...present({ foundAlone: foundBefore }) } : known
}

/** True when the journal has an earlier request, to a server that was not yet known to leave the token as it is. */
function leftAnIntent({ journal, provider }: Observed): boolean {
  return journal?.phase === 'sent' && mayBeAnnounced(provider)
}

interface Presented extends StoredRefreshToken {
  /** True when it is our own, which the store does not have yet. */
  readonly isFromRecord: boolean
}

/** An answer that waited says itself in which version its token was found. */
function presentedBy({ base, storeBehind }: SendAction, journaled: Journaled | undefined): Presented {
  return journaled === undefined
    ? { ...base, isFromRecord: storeBehind === true }
    : { ...base, version: journaled.storeVersion, isFromRecord: false }
}

/** True unless somebody has put another login into the store since the last refresh, as far as can be told. */
function isOfKnownLogin({ state, record }: Progress, presented: Presented): boolean {
  const newest = record?.retained?.tokens?.refreshToken
  if (presented.isFromRecord || state.storeVersion === presented.version) return true
  return newest !== undefined && sameSecret(newest, presented.refreshToken)
}

/**
 * Only a version whose token was presented counts as used. With one of another login, whatever comes of it, nothing is
 * known of the login before any more: the next attempt finds its version used.
 */
function usedUp(
  progress: Progress,
  { presented, continues }: { readonly presented: StoredRefreshToken; readonly continues: boolean },
  now: EpochSeconds,
): Progress {
  const known = withPresented(progress, presented, now)
  const state = continues ? known.state : withoutTerm(known.state)
  return { ...known, state: { ...state, storeVersion: presented.version } }
}

function afterIssue(
  observed: Observed,
  progress: Progress,
  received: Received & { readonly tokens: IssuedTokens },
  now: EpochSeconds,
): Step {
  const { journaled } = received
  const { rejected: _accepted, ...rest } = progress
  const state = issuedState(observed, progress.state, received)
  const tokens = marked(observed, state, received)
  const pending = paced(observed, pendingOf(observed, tokens, received, now), progress, now)
  const { accessToken } = pending.tokens
  const storeIsNewest = pending.persisted
  const ours = isForSpec(observed, pending) ? accessToken : undefined
  const known: Progress = { ...rest, state, pending, storeIsNewest, ...(ours && { accessToken: ours }) }
  const next = journaled?.isReplaced === true ? withLoginReplaced(known, now) : known
  const over = accessToken === undefined && journaled === undefined ? { cause: arrivedOver(observed) } : {}
  if (!isAtHome(pending))
    return { kind: 'act', action: { kind: 'write-back', pending }, progress: { ...next, ...over } }
  if (accessToken !== undefined && isForSpec(observed, pending)) {
    return { kind: 'act', action: { kind: 'publish', accessToken }, progress: next }
  }
  return conclude(observed, { ...next, ...over }, now)
}

/**
 * With what tells whose the access token is, and its place in their order. Not so for an answer that waited: what the
 * provider named when it was asked for, and which tokens were known then, nobody knows any more.
 */
function marked(
  observed: Observed,
  state: CredentialState,
  { tokens, journaled, action }: Received & { readonly tokens: IssuedTokens },
): IssuedTokens {
  if (journaled !== undefined) return tokens
  const accessToken = datedAfter(tokens.accessToken, knownTimesOfIssue(observed, action))
  return { ...tokens, accessToken: { ...accessToken, mark: issuanceMark(observed, state) } }
}

/** Of the access tokens that were known when the request was made, or may have been issued by then, by any clock. */
function knownTimesOfIssue({ state }: Observed, { record }: SendAction): readonly EpochSeconds[] {
  const newest = record === undefined ? [] : newestIn(record)
  const times = newest.map(({ tokens }) => tokens?.accessToken?.issuedAt)
  const maybe = record === undefined ? [] : intentsOf(record).map(({ startedAt }) => startedAt)
  return [...times, ...maybe, state.lastRefreshAt].filter((at) => at !== undefined)
}

function issuedState(
  observed: Observed,
  before: CredentialState,
  { tokens, journaled, action, sent, continues }: Received & { readonly tokens: IssuedTokens },
): CredentialState {
  const { credential } = observed
  const kept = withoutFailure(before)
  const rotated = tokens.refreshToken !== undefined && !sameSecret(tokens.refreshToken, action.base.refreshToken)
  const use = { startedAt: sent.startedAt, rotated, continues }
  // An answer that waited is older than a request that somebody made since.
  const handled = journaled === undefined ? credential.refreshRequest : undefined
  return {
    ...withTerm(observed, kept, tokens, use),
    observedGeneration: credential.generation,
    refreshes: kept.refreshes + 1,
    // A server that has rotated once is not trusted to stop.
    rotates: rotated || kept.rotates === true,
    ...answeredBy(kept, sent.by),
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
  const { action, sent, reading, isTakenBack } = received
  const cause = causeOf(observed, reading.failure, sent.sends)
  const { refreshToken } = reading
  const marked =
    cause.next === 'stall' ? acknowledged(observed, { ...progress, rejected: action.base.refreshToken }) : progress
  if (refreshToken === undefined) return settleSent(observed, { ...marked, answerSettled: isTakenBack }, cause, now)
  // The answer was of no use, but it brought a successor: that one is kept whatever else is wrong, and whatever is in
  // the store meanwhile, which may be a mistake that somebody takes back.
  const pending = pendingOf(observed, { refreshToken }, received, now)
  const rotated = !sameSecret(refreshToken, action.base.refreshToken)
  const state = { ...marked.state, ...(rotated && { rotates: true }), ...answeredBy(marked.state, sent.by) }
  return { kind: 'act', action: { kind: 'write-back', pending }, progress: { ...marked, state, pending, cause } }
}

/** A refusal after a send whose answer was lost most likely means that the lost answer held the successor. */
function causeOf(observed: Observed, cause: Failure, sends: number): Failure {
  if (tokenRefusal(cause.code, sends) !== 'REFRESH_ANSWER_LOST') return cause
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
function pendingOf(observed: Observed, tokens: RotatedTokens, received: Received, now: EpochSeconds): PendingTokens {
  const { action, sent, journaled } = received
  const { base } = action
  const { accessToken, ...others } = tokens
  const alive = accessToken !== undefined && accessToken.expiresAt > now && !isSuperseded(journaled)
  const refreshToken = refreshTokenToKeep(tokens, action)
  const isNew = refreshToken !== undefined
  return {
    tokens: { ...(alive ? tokens : others), ...(refreshToken && { refreshToken }) },
    base,
    presented: base.refreshToken,
    source: journaled?.source ?? refreshTokenSpec(observed.credential).refreshToken,
    persisted: isPersisted(journaled) || !isNew,
    recorded: !isNew && leavesNoIntent(observed, received),
    behindSince: behindSince(observed, sent),
    published: !alive,
    writeBackFailures: 0,
    ...(isSuperseded(journaled) && { superseded: true }),
    ...announcementOf(observed, action, journaled),
  }
}

function behindSince({ pending }: Observed, { startedAt }: Answered): EpochSeconds {
  return pending?.persisted === false ? pending.behindSince : startedAt
}

/** False while the record may say that this process is at the request, which nobody else could tell to be over. */
function leavesNoIntent({ provider }: Observed, { journaled, isTakenBack }: Received): boolean {
  return journaled === undefined ? isTakenBack : !mayBeAnnounced(provider)
}

function announcementOf(
  { provider }: Observed,
  { record }: SendAction,
  journaled: Journaled | undefined,
): Pick<PendingTokens, 'unannounced'> {
  const announced = journaled === undefined ? record !== undefined : wasAnnounced(journaled, provider)
  return announced ? {} : { unannounced: true }
}

function isPersisted(journaled: Journaled | undefined): boolean {
  return journaled?.persisted === true
}

function isSuperseded(journaled: Journaled | undefined): boolean {
  return journaled?.superseded === true
}

/** The newest refresh token, if the store may lack it: without a new one, the presented one stays the newest. */
function refreshTokenToKeep(
  { refreshToken }: RotatedTokens,
  { base, storeBehind = false }: SendAction,
): Sensitive | undefined {
  const newest = refreshToken ?? base.refreshToken
  return storeBehind || !sameSecret(newest, base.refreshToken) ? newest : undefined
}

/** The pending tokens with the time before which their store is to be left alone. */
function paced(observed: Observed, pending: PendingTokens, progress: Progress, now: EpochSeconds): PendingTokens {
  const { store, credential } = observed
  if (store.kind !== 'found' || credential.deleting || credential.spec.suspend) return pending
  const storeWriteDueAt = storeWriteDueAtOf(observed, store.value, progress.record, now)
  return storeWriteDueAt === undefined ? pending : { ...pending, storeWriteDueAt }
}
