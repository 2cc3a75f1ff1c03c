import { isForSpec } from './conclude.ts'
import type { CredentialState } from './credential-state.ts'
import { refreshTokenSpec } from './credential.ts'
import { presentedElsewhere } from './elsewhere.ts'
import type { Observed, PendingTokens, IntentWatch } from './observed.ts'
import { withoutRecord, withRecord } from './opened-tokens.ts'
import type { Failure } from './failures.ts'
import {
  judgePreflight,
  mayKeepInRecord,
  needsPreflight,
  type Preflight,
  type Verdict,
  withOwnership,
} from './preflight.ts'
import { isOfPlace } from './place-left.ts'
import { pendingOf } from './record-look.ts'
import { wantsClaim } from './ownership.ts'
import { isFailure, usableReferents } from './referents.ts'
import { withTerm } from './refresh-token-term.ts'
import { isTokenRefusal } from './refusals.ts'
import { isSameAsRefused } from './refused-token.ts'
import type { Result } from './result.ts'
import { sameSecret, Sensitive } from './sensitive.ts'
import { settleFailed, settleFine, settleStalled } from './settle.ts'
import { afterSight } from './store-sight.ts'
import type { Action, Progress, SendAction, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'
import { type AccessToken, isLaterThan, type RotatedTokens, type StoredRefreshToken } from './tokens.ts'
import { journaledSends } from './uncertainty.ts'

interface Read {
  readonly action: Action
  readonly result: Result<StoredRefreshToken>
  readonly isOpen: boolean
}

/** Follows a read of the store. */
export function afterRead(
  observed: Observed,
  progress: Progress,
  { action: read, result, isOpen }: Read,
  now: EpochSeconds,
): Step {
  if (!result.ok) return afterFailedRead(observed, progress, result.failure, now)
  const stored = result.value
  const refused = read.kind === 'read-refresh-token' ? read.unlessSameAs : undefined
  if (refused !== undefined && isSameAsRefused(progress, stored)) return settleStalled(observed, progress, refused, now)
  const usable = usableReferents(observed)
  if (isFailure(usable)) return settleFailed(observed, progress, usable, now)
  if (progress.isBegunAnew || needsPreflight(observed, usable.provider, isOpen)) return look(progress, { stored })
  const earlier = journaledSends(observed.journal, stored.refreshToken)
  return send(progress, { kind: 'send-refresh-token', base: stored, ...(earlier && { earlier }) })
}

function look(progress: Progress, at: Omit<Extract<Action, { kind: 'pre-flight' }>, 'kind'>): Step {
  return { kind: 'act', action: { kind: 'pre-flight', ...at }, progress }
}

/** The record knows the newest refresh token too, and a human may have said that it is enough for a while. */
function afterFailedRead(observed: Observed, progress: Progress, storeFailure: Failure, now: EpochSeconds): Step {
  const retained = observed.record?.retained
  const refreshToken =
    retained !== undefined && isOfPlace(retained, observed) ? retained.tokens?.refreshToken : undefined
  if (refreshToken === undefined || !mayKeepInRecord(observed, now)) {
    return settleFailed(observed, progress, storeFailure, now)
  }
  const { claim } = observed
  const stored = { refreshToken, version: '', document: new Sensitive(''), ...(claim && { claim }) }
  return look(progress, { stored, storeFailure })
}

interface Looked {
  readonly stored: StoredRefreshToken
  readonly preflight: Preflight
  readonly intentWatch?: IntentWatch
}

/** Follows the look at everything that a successor needs. */
export function afterPreflight(observed: Observed, before: Progress, looked: Looked, now: EpochSeconds): Step {
  const { stored, preflight, intentWatch } = looked
  const { intentWatch: _earlier, foundAlone: _before, ...rest } = withDocumentSeen(before, looked)
  const progress: Progress = {
    ...(preflight.record.ok ? withRecord(rest, preflight.record.value) : withoutRecord(rest)),
    ...(stored.claim && { claim: stored.claim }),
    ...(intentWatch && { intentWatch }),
  }
  const usable = usableReferents(observed)
  if (isFailure(usable)) return settleFailed(observed, progress, usable, now)
  const verdict = judgePreflight(observed, preflight, { ...usable, stored }, now)
  return follow(observed, progress, { verdict, stored, preflight }, now)
}

function withDocumentSeen(progress: Progress, { stored: { claim }, preflight }: Looked): Progress {
  const { withoutStore, fingerprint, record } = preflight
  return withoutStore === true || !record.ok ? progress : afterSight(progress, { fingerprint, claim }, record.value)
}

interface Judged {
  readonly verdict: Verdict
  readonly stored: StoredRefreshToken
  readonly preflight: Preflight
}

function follow(
  observed: Observed,
  progress: Progress,
  { verdict, stored, preflight }: Judged,
  now: EpochSeconds,
): Step {
  switch (verdict.kind) {
    case 'refuse':
      return settleFailed(
        observed,
        withRefused(progress, { stored, fingerprint: preflight.fingerprint }, verdict.failure),
        verdict.failure,
        now,
      )
    case 'claim':
      return { kind: 'act', action: { kind: 'claim-document', stored, preflight }, progress }
    case 'recover': {
      const { kind: _known, ...missing } = verdict
      return recover(observed, progress, { missing, stored }, now)
    }
    case 'send': {
      const { base, earlier } = verdict
      const { record } = progress
      const storeBehind = !sameSecret(base.refreshToken, stored.refreshToken) || stored.version === ''
      // Who need not claim the document, or cannot, has it: a request that stood would take it from a later owner.
      const owner = wantsClaim(stored, preflight.ownership) ? progress : withOwnership(observed, progress)
      const told: Progress = { ...owner, storeIsNewest: !storeBehind }
      return send(told, {
        kind: 'send-refresh-token',
        base,
        storeBehind,
        ...(preflight.withoutStore !== true && { stored: preflight.fingerprint }),
        ...(earlier && { earlier }),
        ...(record && { record }),
        before: preflight.before,
      })
    }
  }
}

/** What the document holds; the fingerprint is absent for the newest token of the record. */
interface LookedAt {
  readonly stored: StoredRefreshToken
  readonly fingerprint?: string
}

/** What was refused before is looked for as the refused one from now on: in the document that was read, and no later one. */
function withRefused(progress: Progress, looked: LookedAt, cause: Failure): Progress {
  const rejected = refusedOf(progress, looked, cause)
  if (rejected === undefined) return progress
  return { ...progress, rejected, state: { ...progress.state, storeVersion: looked.stored.version } }
}

/** The token that was refused: that of the store, or the newest one of the record where the store is behind. */
function refusedOf({ record }: Progress, { stored, fingerprint }: LookedAt, cause: Failure): Sensitive | undefined {
  if (record?.refused === undefined) return undefined
  const { refused, retained } = record
  if (refused.fingerprint === fingerprint) return stored.refreshToken
  const isNewest = refused.fingerprint === retained?.fingerprint
  return isNewest && isTokenRefusal(cause) ? retained?.tokens?.refreshToken : undefined
}

/** Follows the claim of a document: what was found before holds for the claimed one as well. */
export function afterClaim(
  observed: Observed,
  progress: Progress,
  { preflight, result }: { readonly preflight: Preflight; readonly result: Result<StoredRefreshToken> },
  now: EpochSeconds,
): Step {
  if (!result.ok) return settleFailed(observed, progress, result.failure, now)
  const owned = { ...preflight, ownership: { ...preflight.ownership, isOwn: true } }
  return afterPreflight(observed, withOwnership(observed, progress), { stored: result.value, preflight: owned }, now)
}

export interface Missing {
  readonly missing: Omit<Extract<Verdict, { kind: 'recover' }>, 'kind'>
  readonly stored: StoredRefreshToken
}

function livingAt(accessToken: AccessToken | undefined, now: EpochSeconds): { accessToken: AccessToken } | undefined {
  return accessToken !== undefined && accessToken.expiresAt > now ? { accessToken } : undefined
}

/** Tokens of the record go where they are missing, as if their answer had just come. */
export function recover(observed: Observed, progress: Progress, found: Missing, now: EpochSeconds): Step {
  const { state, record } = progress
  const { tokens, persisted } = found.missing
  const { refreshToken: source } = refreshTokenSpec(observed.credential)
  const pending = pendingOf({ ...found.missing, stored: found.stored, source }, now)
  const forward = persisted ? undefined : { rolledForwardAt: now }
  const alive = livingAt(tokens.accessToken, now)
  const published = !isLaterThan(tokens.accessToken, state.lastRefreshAt) || alive === undefined
  const news = record && presentedElsewhere(observed, record)
  const counted = { ...progress, ...alive, ...forward, state: countedUse(observed, state, tokens) }
  const told = news === undefined ? counted : { ...counted, cause: news }
  // A document that was read late may show it, after another login was tried.
  const known = news !== undefined && persisted ? withRefused(told, { stored: found.stored }, news) : told
  return bringHome(observed, { ...known, pending: { ...pending, published } }, now)
}

/** The state with the refresh counted that an earlier process made, unless it is counted already. */
function countedUse(observed: Observed, state: CredentialState, tokens: RotatedTokens): CredentialState {
  const { accessToken } = tokens
  if (accessToken === undefined || !isLaterThan(accessToken, state.lastRefreshAt)) return state
  const use = { startedAt: accessToken.issuedAt, rotated: true, continues: true }
  return { ...withTerm(observed, state, tokens, use), refreshes: state.refreshes + 1 }
}

/** The store comes first, unless it is to be left alone; then the target. */
function bringHome(
  observed: Observed,
  progress: Progress & { readonly pending: PendingTokens },
  now: EpochSeconds,
): Step {
  const { pending } = progress
  const { accessToken } = pending.tokens
  if (!pending.persisted && pending.storeWriteDueAt === undefined) {
    return { kind: 'act', action: { kind: 'write-back', pending }, progress }
  }
  if (accessToken === undefined || pending.published || !isForSpec(observed, pending)) {
    return settleFine(observed, progress, now)
  }
  return { kind: 'act', action: { kind: 'publish', accessToken }, progress }
}

function send(progress: Progress, action: SendAction): Step {
  return { kind: 'act', action, progress }
}
