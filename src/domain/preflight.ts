import { keyText, refreshTokenSpec } from './credential.ts'
import type { TokenMark } from './document-claim.ts'
import { type Failure, failure } from './failures.ts'
import { ofLatestLogin } from './login-replaced.ts'
import { nearEndAt } from './near-end.ts'
import type { Observed } from './observed.ts'
import { asksForOwnership, isTakenOver, ownershipProblem, wantsClaim } from './ownership.ts'
import { isOfPlace } from './place-left.ts'
import { generationOf } from './record-places.ts'
import type { Preflight } from './preflight-finding.ts'
import type { Provider } from './provider.ts'
import { intentOn, type RefreshRecord, type RetainedTokens } from './refresh-record.ts'
import { isRefusal } from './refusals.ts'
import { knownOrigin, originChange, recordedOrigin } from './known-server.ts'
import { mayRotate } from './rotation.ts'
import { sameSecret, type Sensitive } from './sensitive.ts'
import { dueAt } from './due.ts'
import { lostElsewhere, refusedElsewhere, underWay } from './elsewhere.ts'
import { rememberedFailure } from './settle.ts'
import { storeWriteDueAt, writeBudgetProblem } from './store-pacing.ts'
import type { Progress } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { TokenStore } from './token-store.ts'
import { isLaterThan, type RotatedTokens, type StoredRefreshToken } from './tokens.ts'
import { type EarlierSends, intentStanding, journaledSends } from './uncertainty.ts'

export type { Preflight } from './preflight-finding.ts'

/** What follows from what was found. */
export type Verdict =
  | { readonly kind: 'refuse'; readonly failure: Failure }
  /** The document is to name its owner first. */
  | { readonly kind: 'claim' }
  /** Newer tokens than the store's, or than the target's, are in the record: they go there, and nothing is spent. */
  | {
      readonly kind: 'recover'
      readonly tokens: RotatedTokens
      readonly persisted: boolean
      /** Present when the store is to be left alone until then. */
      readonly storeWriteDueAt?: EpochSeconds
    }
  | { readonly kind: 'send'; readonly base: StoredRefreshToken; readonly earlier?: EarlierSends }

export interface PreflightSubject {
  readonly provider: Provider
  readonly store: TokenStore
  readonly stored: StoredRefreshToken
}

/**
 * Says whether the refresh token may be spent. Pure.
 *
 * The order is the argument: first that all is known, then whose the token is, then that it is the
 * newest, then that nobody else presents it, then that its successor has a place.
 */
export function judgePreflight(
  observed: Observed,
  found: Preflight,
  subject: PreflightSubject,
  now: EpochSeconds,
): Verdict {
  if (!found.record.ok) return refuse(found.record.failure)
  const record = found.record.value
  const notOurs = ownershipProblem(observed, subject.stored, found.ownership)
  if (notOurs !== undefined) return refuse(notOurs)
  if (isBehind(observed, record, found, subject)) return storeBehind(observed, { record, found, subject }, now)
  const { retained } = record
  const newest = retained?.fingerprint === found.fingerprint ? retained : undefined
  if (newest?.tokens !== undefined && !isInDoubt(newest, { record, found }) && isUnpublished(observed, newest, now)) {
    return { kind: 'recover', tokens: newest.tokens, persisted: true }
  }
  return judgeSend(observed, { record, found, subject, base: subject.stored, fingerprint: found.fingerprint }, now)
}

interface Known {
  readonly record: RefreshRecord
  readonly found: Preflight
  readonly subject: PreflightSubject
}

/**
 * True when the token of the store was replaced by another one. The record remembers the latest of them;
 * of older ones the document itself says that the operator wrote them, and before which others: those of the
 * record, or those that the status tells of when the record is gone.
 */
function isBehind(observed: Observed, record: RefreshRecord, found: Preflight, subject: PreflightSubject): boolean {
  const { spent, retained, kept } = record
  if (spent.includes(found.fingerprint)) return true
  const mark = ownMark(found, subject)
  // The number of a token that was left somewhere is compared with no number that came after it elsewhere.
  if (mark === undefined || (retained === undefined && kept !== undefined)) return false
  const isOfMark = mark.fingerprint === found.fingerprint
  // Its successor was in the store, and only the record was never told: somebody put the old one back.
  if (retained?.fingerprint === found.fingerprint) return !isOfMark && mark.generation > generationOf(record)
  return isOfMark && mark.generation < latestOf(observed, record)
}

/** The highest number that a token of this login is known to have had. The status counts those of all places. */
function latestOf({ state: { refreshTokenGeneration: told = 0 } }: Observed, record: RefreshRecord): number {
  const { retained } = record
  if (retained?.generation !== undefined) return retained.generation
  return retained === undefined ? told : Math.max(told, record.generation)
}

/** What the document's claim says of the token that the operator wrote last, when the claim is ours. */
function ownMark({ ownership }: Preflight, { stored: { claim } }: PreflightSubject): TokenMark | undefined {
  return ownership.isOwn && claim?.kind === 'claimed' ? claim.claim.mark : undefined
}

/** The token of the store was replaced by another one: it is never presented. */
function storeBehind(observed: Observed, known: Known, now: EpochSeconds): Verdict {
  const { record, subject } = known
  const successor = successorOf(observed, known)
  if (successor === undefined) return refuse(rolledBack(observed))
  const { retained, tokens, refreshToken } = successor
  const dueAt = storeWriteDueAt(observed, subject.store, record, now)
  const doubtful = isInDoubt(retained, known)
  const missing = { kind: 'recover', tokens: doubtful ? { refreshToken } : tokens, persisted: false } as const
  if (dueAt === undefined) return wasJustRolledForward(observed, now) ? refuse(takenBack(observed)) : missing
  if (!doubtful && isUnpublished(observed, retained, now)) return { ...missing, storeWriteDueAt: dueAt }
  const base = { ...subject.stored, refreshToken }
  return judgeSend(observed, { ...known, base, fingerprint: retained.fingerprint }, now)
}

interface Successor {
  readonly retained: RetainedTokens
  readonly tokens: RotatedTokens
  readonly refreshToken: Sensitive
}

/** The record's tokens, when they come after the store's, belong to its place, and can be opened. */
function successorOf(observed: Observed, { record, found }: Known): Successor | undefined {
  const { retained } = record
  if (retained === undefined || !isOfPlace(retained, observed) || !isNewer(record, found)) return undefined
  const { tokens } = retained
  if (tokens?.refreshToken === undefined) return undefined
  // Where the document's number alone says that it is behind, a record that was put back may be behind as well.
  if (!record.spent.includes(found.fingerprint) && isOlderThanTold(tokens, observed)) return undefined
  return { retained, tokens, refreshToken: tokens.refreshToken }
}

/** True when the status tells of a later refresh. It has whole seconds, rounded down. */
function isOlderThanTold({ accessToken }: RotatedTokens, { state: { lastRefreshAt } }: Observed): boolean {
  return accessToken !== undefined && lastRefreshAt !== undefined && accessToken.issuedAt + 1 < lastRefreshAt
}

/** True when the record's tokens are not known to be used up themselves. */
function isNewer({ retained, spent }: RefreshRecord, { fingerprint }: Preflight): boolean {
  return retained !== undefined && !spent.includes(retained.fingerprint) && retained.fingerprint !== fingerprint
}

/**
 * True when the refresh token was presented since, with an unknown result, or refused from another credential: the server
 * may have replaced the access token that came with it, or revoked it with everything else. What becomes of the refresh
 * token says which.
 */
function isInDoubt({ fingerprint }: RetainedTokens, { record, found }: Pick<Known, 'record' | 'found'>): boolean {
  return intentOn(record, fingerprint) !== undefined || found.refusedElsewhere.includes(fingerprint)
}

interface Candidate extends Known {
  readonly base: StoredRefreshToken
  /** Of the refresh token in `base`. */
  readonly fingerprint: string
}

function judgeSend(observed: Observed, candidate: Candidate, now: EpochSeconds): Verdict {
  const { record, found, subject, base, fingerprint } = candidate
  const journal = journalOf(observed, base)
  const standing = intentStanding(record, fingerprint, { ...found, journal })
  if (standing.kind === 'held') return refuse(underWay(observed, standing.holder, found.holderIsSilent))
  const earlier = standing.kind === 'uncertain' ? standing.earlier : journaledSends(journal, base.refreshToken)
  const problem = sendProblem(observed, candidate, earlier, now)
  if (problem !== undefined) return refuse(problem)
  if (wantsClaim(subject.stored, found.ownership) && found.writable.ok) return { kind: 'claim' }
  return { kind: 'send', base, ...(earlier && { earlier }) }
}

/** Why a token that nobody else is at must not be sent now. */
function sendProblem(
  observed: Observed,
  candidate: Candidate,
  earlier: EarlierSends | undefined,
  now: EpochSeconds,
): Failure | undefined {
  const { found, subject } = candidate
  return (
    refusedBefore(observed, candidate) ??
    lostElsewhere(observed, subject.provider, earlier, now) ??
    originProblem(observed, candidate, earlier) ??
    placeProblem(observed, found, { subject, now }) ??
    writeBudgetProblem(observed, subject.provider, subject.store)
  )
}

/** What the authorization server said of this token to a process that could not tell the status, or not to this one. */
function refusedBefore(observed: Observed, { record, fingerprint, found }: Candidate): Failure | undefined {
  const { refused } = record
  const known = rememberedFailure(observed.state)
  // Who knows of a refusal has a reason to present the token of the store all the same.
  const isAgain = fingerprint === found.fingerprint && known !== undefined && isRefusal(known)
  if (refused?.fingerprint !== fingerprint || isAgain) return undefined
  return refusedElsewhere(observed, refused)
}

/** What the own journal knows of this very token: it may have an entry about another one that came between. */
function journalOf({ journal }: Observed, { refreshToken }: StoredRefreshToken): Observed['journal'] {
  return journal !== undefined && sameSecret(journal.refreshToken, refreshToken) ? journal : undefined
}

function originProblem(
  observed: Observed,
  { record, subject, fingerprint }: Candidate,
  earlier: EarlierSends | undefined,
): Failure | undefined {
  const known = knownOrigin(observed.state, fingerprint) ?? recordedOrigin(record, fingerprint, earlier !== undefined)
  return originChange(observed, subject.provider, known)
}

/** Why the successor would have no place. A server that does not rotate sends none: only what is taken from another needs one. */
function placeProblem(
  observed: Observed,
  { target, writable, holdersAreOver, ownership, record }: Preflight,
  { subject, now }: { readonly subject: PreflightSubject; readonly now: EpochSeconds },
): Failure | undefined {
  const isNeeded = holdersAreOver || isTakenOver(subject.stored, ownership)
  const recorded = record.ok ? record.value.origin : undefined
  if (!isNeeded && !mayRotate(observed, subject.provider, recorded)) return undefined
  if (!target.ok) return target.failure
  if (writable.ok) return undefined
  // Whoever takes an intent over has to be sure that the store does not hold its successor.
  return !holdersAreOver && mayKeepInRecord(observed, now) ? undefined : writable.failure
}

/** True when a human has allowed the record to be the only place, and the access token is nearly over. */
export function mayKeepInRecord({ credential, state }: Observed, now: EpochSeconds): boolean {
  if (credential.spec.refresh.storeOutage !== 'RecordOnly') return false
  const nearEnd = nearEndAt(state, now)
  return nearEnd !== undefined && now >= nearEnd
}

/** True when an access token came with the newest refresh token, and no earlier process got to publish it. */
function isUnpublished(observed: Observed, retained: RetainedTokens, now: EpochSeconds): boolean {
  const { state } = observed
  const accessToken = retained.tokens?.accessToken
  if (accessToken === undefined || isRequested(observed)) return false
  if (!isOfPlace(retained, observed)) return false
  if (!isLaterThan(accessToken, state.lastRefreshAt) || accessToken.expiresAt <= now) return false
  const { issuedAt: lastRefreshAt, expiresAt: accessTokenExpiresAt } = accessToken
  const due = dueAt(observed, { ...ofLatestLogin(state), lastRefreshAt, accessTokenExpiresAt }, now)
  return due !== undefined && now < due
}

function isRequested({ credential, state }: Observed): boolean {
  return credential.refreshRequest !== undefined && credential.refreshRequest !== state.handledRefreshRequest
}

/** A store that takes a write and goes on showing what was there before is not written without end. */
function wasJustRolledForward({ rolledForwardAt }: Observed, now: EpochSeconds): boolean {
  return rolledForwardAt !== undefined && rolledForwardAt <= now && now - rolledForwardAt < settledAfterSeconds
}

const settledAfterSeconds = 60

function takenBack({ credential }: Observed): Failure {
  const { key } = refreshTokenSpec(credential).refreshToken
  const what = `The document "${key}" of OAuthCredential ${keyText(credential.key)} was brought up to date less than a minute ago, and holds a refresh token again that was replaced before.`
  return failure('STORE_CONFLICT', what)
}

function rolledBack({ credential }: Observed): Failure {
  const { key } = refreshTokenSpec(credential).refreshToken
  const what = `The document "${key}" of OAuthCredential ${keyText(credential.key)} holds a refresh token that was replaced before.`
  return failure('STORE_ROLLED_BACK', what)
}

function refuse(cause: Failure): Verdict {
  return { kind: 'refuse', failure: cause }
}

/**
 * True when a read is to be followed by a look at everything that a successor needs. A server that was never
 * seen to rotate may have done so at last in a process that could not tell any more, so each process looks until a look
 * went through, and again as long as somebody else may be at the token, or the answer to whoever was is lost.
 */
export function needsPreflight(observed: Observed, provider: Provider, isOpen: boolean): boolean {
  const isToDetect = provider.rotation.mode === 'Detect' && (isOpen || observed.intentWatch !== undefined)
  return mayRotate(observed, provider) || asksForOwnership(observed) || isToDetect
}

/** Progress that acknowledges a handled request for ownership. */
export function withOwnership(observed: Observed, progress: Progress): Progress {
  const { ownershipRequest } = observed.credential
  if (ownershipRequest === undefined) return progress
  return { ...progress, state: { ...progress.state, handledOwnershipRequest: ownershipRequest } }
}
