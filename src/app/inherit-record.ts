import { keyText, type RefreshTokenSource, refreshTokenSpec } from '../domain/credential.ts'
import { underWay } from '../domain/elsewhere.ts'
import type { Failure } from '../domain/failures.ts'
import { inherited, knows } from '../domain/inherited-record.ts'
import type { Observed } from '../domain/observed.ts'
import { asksForOwnership, owned } from '../domain/ownership.ts'
import type { PredecessorRecord } from '../domain/preflight-finding.ts'
import { intentsOf, type RecordHolder, type RefreshRecord } from '../domain/refresh-record.ts'
import { sourcesOf } from '../domain/inherited-record.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { RecordSubject } from '../ports/refresh-records.ts'
import type { Deps } from './deps.ts'
import { readRecord, sealingKeyOf } from './execute-record.ts'
import { placeOfSource, slotOf } from './left-records.ts'
import { isOver } from './neighbours.ts'
import { holderSilentMs } from './record-watches.ts'
import { recoverEntry } from './recover-journal.ts'

/** A record with what those knew that had its refresh token before. */
export interface Inherited {
  readonly record: RefreshRecord
  readonly before: readonly PredecessorRecord[]
  /** Somebody held an intent in one of them, and is over. */
  readonly holdersAreOver: boolean
}

export interface Heir {
  readonly observed: Observed
  readonly stored: StoredRefreshToken
  /** Of the refresh token in the store. */
  readonly fingerprint: string
}

/**
 * Adds to a credential's record what those of others know of the same login that used it before: of a credential that
 * was renamed, or made anew under another uid, the record is another one, and the answer that its predecessor got may
 * be there, or only in the journal of a process that will put it there.
 *
 * Failures: those of reading and listing records, REFRESH_UNDER_WAY while somebody may be at it for a predecessor, and
 * REFRESH_TOKEN_OWNED where that may exist in a namespace that is not watched.
 */
export async function inherit(own: RefreshRecord, heir: Heir, deps: Deps): Promise<Result<Inherited>> {
  const left = await deps.leftRecords.at(
    { credential: heir.observed.credential, claimedBy: claimant(heir, deps) },
    deps,
  )
  if (!left.ok) return left
  let result: Inherited = { record: own, before: [], holdersAreOver: false }
  for (const subject of left.value) {
    const next = await inheritFrom(subject, result, heir, deps)
    if (!next.ok) return next
    result = next.value
  }
  return ok(result)
}

/** The uid of the credential of this installation that the document names as its owner. */
function claimant({ stored: { claim } }: Heir, { installation }: Deps): string | undefined {
  const prefix = `${installation.id}/`
  if (claim?.kind !== 'claimed' || !claim.claim.owner.startsWith(prefix)) return undefined
  return claim.claim.owner.slice(prefix.length)
}

async function inheritFrom(
  subject: RecordSubject,
  known: Inherited,
  heir: Heir,
  deps: Deps,
): Promise<Result<Inherited>> {
  const { observed, stored, fingerprint } = heir
  const brought = await bringHome(subject, deps)
  if (!brought.ok) return brought
  const read = await readRecord({ uid: subject.uid, key: subject.credential }, sealingKeyOf(stored.claim), deps)
  if (!read.ok) return read
  const record = read.value
  const isMeant = knows(record, fingerprint)
  const standing = isMeant ? await standingOf(record, observed, deps) : undefined
  if (standing !== undefined) return failed(standing)
  const isThere = (source: RefreshTokenSource): boolean => isOfHeir(source, subject, heir, deps)
  const { refreshToken: source } = refreshTokenSpec(observed.credential)
  const isWhole = sourcesOf(record).every(isThere) && (isMeant || intentsOf(record).length === 0)
  return ok({
    record: inherited(known.record, record, { fingerprint, source, isThere }),
    before: [...known.before, { record, isInherited: isWhole && isGone(subject, observed, deps) }],
    holdersAreOver: known.holdersAreOver || (isMeant && holdersIn(record).length > 0),
  })
}

/** Why nobody inherits yet from a record that tells of the refresh token. */
async function standingOf(record: RefreshRecord, observed: Observed, deps: Deps): Promise<Failure | undefined> {
  if (mayExistUnseen(record, observed, deps) && !asksForOwnership(observed)) {
    return owned(observed, `OAuthCredential ${keyText(record.credential)}`)
  }
  for (const holder of holdersIn(record)) {
    if (!(await isOverFor(holder, record, deps))) return underWay(observed, holder, isSilent(record, deps))
  }
  return undefined
}

function holdersIn(record: RefreshRecord): readonly RecordHolder[] {
  return intentsOf(record).flatMap(({ holder }) => holder ?? [])
}

/** What an earlier process with this journal has left there for a credential that no engine looks after any more. */
async function bringHome({ uid }: RecordSubject, deps: Deps): Promise<Result<unknown>> {
  const entry = deps.journal.pending(uid)
  if (entry === undefined || deps.tokenOwners.knows(uid)) return ok(undefined)
  return recoverEntry(entry, deps)
}

/**
 * True of what a predecessor has read at the place of its heir. Its store may be gone with its namespace: then it is
 * enough that the document names it as its owner.
 */
function isOfHeir(
  source: RefreshTokenSource,
  { uid, credential: key }: RecordSubject,
  heir: Heir,
  deps: Deps,
): boolean {
  const { resources } = deps
  const { credential } = heir.observed
  if (placeOfSource(key, source, resources) === resources.placeOf(credential)) return true
  const isSlot = slotOf(source) === slotOf(refreshTokenSpec(credential).refreshToken)
  const { kind } = resources.storeOf(source.store, key.namespace)
  return isSlot && kind === 'missing' && claimant(heir, deps) === uid
}

function isGone(subject: RecordSubject, observed: Observed, deps: Deps): boolean {
  return deps.resources.credentialByUid(subject.uid) === undefined && !mayExistUnseen(subject, observed, deps)
}

function isSilent(record: RefreshRecord, { recordWatches, clock }: Deps): boolean {
  return recordWatches.unchangedMs(record, clock.monotonicMs()) >= holderSilentMs
}

/** This process itself is at it while its engine has the credential, or its journal something of it. */
async function isOverFor(holder: RecordHolder, record: RefreshRecord, deps: Deps): Promise<boolean> {
  if (holder.journalId !== deps.holders.self.journalId) return isOver(holder, record, deps)
  return !deps.tokenOwners.knows(record.uid) && deps.journal.pending(record.uid) === undefined
}

/** True when not all namespaces are watched, so that nobody knows whether it is gone; a namesake was this one before it was made anew. */
function mayExistUnseen(
  { uid, credential: key }: RecordSubject,
  { credential }: Pick<Observed, 'credential'>,
  { resources, seesAllCredentials }: Deps,
): boolean {
  if (seesAllCredentials || resources.credentialByUid(uid) !== undefined) return false
  return keyText(key) !== keyText(credential.key)
}
