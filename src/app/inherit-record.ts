import { isSameSource, keyText, type RefreshTokenSource, refreshTokenSpec } from '../domain/credential.ts'
import { underWay } from '../domain/elsewhere.ts'
import type { Failure } from '../domain/failures.ts'
import { type Inheritance, inherited, isOfLogin, knows, sourcesOf, tellingOf } from '../domain/inherited-record.ts'
import type { Observed } from '../domain/observed.ts'
import { asksForOwnership, owned } from '../domain/ownership.ts'
import type { PredecessorRecord } from '../domain/preflight-finding.ts'
import { type HeldIntent, intentsOf, isHeld, newestIn, type RefreshRecord } from '../domain/refresh-record.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { RecordSubject } from '../ports/refresh-records.ts'
import type { Deps } from './deps.ts'
import { readRecord, sealingKeyOf } from './execute-record.ts'
import { placeOfSource, slotOf } from './left-records.ts'
import { isOver } from './neighbours.ts'
import { holderSilentMs } from './intent-watches.ts'
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
  let open: Result<never> | undefined
  for (const subject of left.value) {
    const next = await inheritFrom(subject, result, heir, deps)
    if (next.ok) result = next.value
    else if (next.failure.code !== 'REFRESH_UNDER_WAY') return next
    // The others are looked at all the same: whoever is at it there is watched from now on, and not only then.
    else open ??= next
  }
  return open ?? ok(result)
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
  const { stored, fingerprint } = heir
  const brought = await bringHome(subject, heir, deps)
  if (!brought.ok) return brought
  const read = await readRecord({ uid: subject.uid, key: subject.credential }, sealingKeyOf(stored.claim), deps)
  if (!read.ok) return read
  const left = tellingOf(read.value, (source) => isOfHeir(source, subject, heir, deps))
  const isMeant = isOfLogin(left, known.record, fingerprint)
  const open = isMeant ? await whileOpen({ left, whole: read.value }, known.record, heir, deps) : undefined
  if (open !== undefined) return failed(open)
  const inheritance = inheritanceOf(known.record, { left, whole: read.value }, heir, deps)
  const isUsed = isMeant || isSettledOn(fingerprint, known.record, left)
  const isInherited = isUsed && inheritance.isProven && isToGo(left, read.value, fingerprint, deps)
  return ok({
    record: inherited(known.record, left, inheritance),
    before: [...known.before, { record: read.value, isInherited }],
    holdersAreOver: known.holdersAreOver || (isMeant && heldIn(left).length > 0),
  })
}

/** A record, and what it tells of the heir's place. */
interface ReadRecord {
  readonly left: RefreshRecord
  readonly whole: RefreshRecord
}

function inheritanceOf(
  { retained }: RefreshRecord,
  read: ReadRecord,
  { observed, fingerprint }: Heir,
  { resources }: Deps,
): Inheritance {
  const { credential, state } = observed
  const { refreshToken: source } = refreshTokenSpec(credential)
  const ownPlace = retained && placeOfSource(credential.key, retained.source, resources)
  return {
    fingerprint,
    source,
    isProven: isProvenAt(source, read, observed),
    isOwnHere: ownPlace === resources.placeOf(credential),
    // Who has just come back has used another login meanwhile, of which the status tells.
    loginUsedAt: retained?.generation === undefined ? state.loginUsedAt : undefined,
  }
}

/** Why nobody inherits yet from a record that tells of the refresh token. Whoever has inherited it already need not be asked. */
async function whileOpen(
  { left, whole }: ReadRecord,
  own: RefreshRecord,
  { observed, fingerprint }: Heir,
  deps: Deps,
): Promise<Failure | undefined> {
  const isClear = knows(own, fingerprint) || asksForOwnership(observed)
  if (!isClear && mayExistUnseen(left, deps)) return owned(observed, `OAuthCredential ${keyText(left.credential)}`)
  const held = heldIn(left)
  // All are watched from the first look on, and not one after the other.
  for (const one of held) deps.intentWatches.unchangedMs(whole, one, deps.clock.monotonicMs())
  for (const intent of held) {
    if (!(await isOverFor(intent, whole, deps))) return underWay(observed, intent.holder, isSilent(intent, whole, deps))
  }
  return undefined
}

function heldIn(record: RefreshRecord): readonly HeldIntent[] {
  return intentsOf(record).filter((one) => isHeld(one))
}

/** True when the heir has had an answer for the login in the store, so that the one before is over; nobody may be at that. */
function isSettledOn(fingerprint: string, own: RefreshRecord, left: RefreshRecord): boolean {
  return own.retained?.fingerprint === fingerprint && heldIn(left).length === 0
}

/**
 * True of one that tells of this place alone, and whose credential is gone; unless its newest token is sealed with a key
 * that may come back with its document.
 */
function isToGo(left: RefreshRecord, whole: RefreshRecord, fingerprint: string, deps: Deps): boolean {
  const { retained, uid } = left
  const isHeirs = retained === undefined || retained.tokens !== undefined || retained.fingerprint === fingerprint
  return isHeirs && left === whole && deps.resources.credentialByUid(uid) === undefined && !mayExistUnseen(left, deps)
}

/**
 * What an earlier process with this journal has left there for a credential that is gone, and that no engine looks after.
 * Of any other its own turn does so, as it may begin the next refresh meanwhile.
 */
async function bringHome(subject: RecordSubject, heir: Heir, deps: Deps): Promise<Result<unknown>> {
  const { uid } = subject
  const entry = deps.journal.pending(uid)
  if (entry === undefined) return ok(undefined)
  const indexed = deps.resources.credentialByUid(uid)
  if (indexed !== undefined) {
    deps.wake(keyText(indexed.credential.key))
    return ok(undefined)
  }
  if (deps.tokenOwners.knows(uid)) return ok(undefined)
  const recovered = await recoverEntry(entry, deps)
  // What cannot be brought to another place holds up nobody here.
  return isOfHeir(entry.source, subject, heir, deps) ? recovered : ok(undefined)
}

/**
 * True of what a predecessor has read at the place of its heir, as far as the manifests tell. Its store may be gone with
 * its namespace: then it is enough that the document names it as its owner.
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

/**
 * True when it is certain that a record tells of the heir's document: it names the very same one, or its tokens were
 * opened with the key that is in there. Two stores of one kind may be accounts of two tenants, and a claim may be a copy.
 */
function isProvenAt(own: RefreshTokenSource, { left, whole }: ReadRecord, { credential }: Observed): boolean {
  const isNamespace = own.store.kind === 'ClusterTokenStore' || left.credential.namespace === credential.key.namespace
  const newest = newestIn(whole).find(({ fingerprint }) => fingerprint === left.retained?.fingerprint)
  const isSealedThere = newest?.tokens !== undefined && newest.sealedWith?.startsWith('document') === true
  return sourcesOf(left).every((source) =>
    isSealedThere ? slotOf(source) === slotOf(own) : isNamespace && isSameSource(source, own),
  )
}

function isSilent(intent: HeldIntent, record: RefreshRecord, { intentWatches, clock }: Deps): boolean {
  return intentWatches.unchangedMs(record, intent, clock.monotonicMs()) >= holderSilentMs
}

/** This process itself is at it while its engine has the credential, or its journal something of it. */
async function isOverFor(intent: HeldIntent, record: RefreshRecord, deps: Deps): Promise<boolean> {
  if (intent.holder.journalId !== deps.holders.self.journalId) return isOver(intent, record, deps)
  return !deps.tokenOwners.knows(record.uid) && deps.journal.pending(record.uid) === undefined
}

/** True when its namespace is not watched, so that nobody knows whether it is gone. */
function mayExistUnseen({ uid, credential: { namespace } }: RecordSubject, { resources, watches }: Deps): boolean {
  return !watches(namespace) && resources.credentialByUid(uid) === undefined
}
