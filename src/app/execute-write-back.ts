import type { TokenMark } from '../domain/document-claim.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { PendingTokens } from '../domain/observed.ts'
import { ownerId } from '../domain/ownership.ts'
import { openedTokens } from '../domain/opened-tokens.ts'
import { facing } from '../domain/record-places.ts'
import { newestIn, type RefreshRecord } from '../domain/refresh-record.ts'
import { ok, type Result } from '../domain/result.ts'
import { sameSecret } from '../domain/sensitive.ts'
import type { Outcome, WriteBackOutcome } from '../domain/step.ts'
import { storeText, type TokenStore } from '../domain/token-store.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'
import { comesTooLate, commit, type RecordPlace, sealingKeyOf, withStoreWrite } from './execute-record.ts'
import { isStoreFailure, limited, openStore, type OpenStore, readOpen, type StoreSubject } from './execute-store.ts'

/** How often a write-back follows a document that others keep changing. */
const writeBackTries = 3

type WriteBack = Omit<Extract<Outcome, { kind: 'write-back' }>, 'kind' | 'pending'>

/**
 * Puts a rotated refresh token into the record and, unless that has to wait, into the store, at the
 * same time: the first of the two that succeeds is the end of the danger.
 */
export async function writeBack(pending: PendingTokens, observed: StoreSubject, deps: Deps): Promise<WriteBack> {
  if (observed.record === undefined || comesTooLate(pending, observed.record, deps)) {
    return writeBackInTurn(pending, observed, deps)
  }
  const [committed, written] = await bothEnded(
    commitUnlessRecorded(pending, observed, deps),
    storeUnlessLeft(pending, observed, deps),
  )
  // Without the record the store does not wait.
  if (!committed.ok) {
    return { committed, written: written.kind === 'paced' ? await writeStore(pending, observed, deps) : written }
  }
  if (isOvertakenBy(committed.value, pending, deps)) return { committed, written: { kind: 'overtaken' } }
  if (written.kind !== 'written') return { committed, written }
  return { committed: ok(withStoreWrite(committed.value, pending.source, deps.clock.now())), written }
}

/** What came of both: a bug in the one does not leave the other at work alone, while the credential is worked on anew. */
async function bothEnded<One, Other>(one: One | Promise<One>, other: Other | Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other])
  return Promise.all([one, other])
}

/**
 * What the document says of its token follows from the record, so a record that is not known comes first. So does
 * one that knows of a later login: the tokens of an earlier one have no business in the store, where they would
 * pass for what a human put there.
 */
async function writeBackInTurn(pending: PendingTokens, observed: StoreSubject, deps: Deps): Promise<WriteBack> {
  const committed = await commit(pending, recordPlace(pending, observed), deps)
  if (!committed.ok) {
    // What is known to come too late waits in the journal: in the store it would take the place of a later login.
    const waits = observed.record !== undefined && !pending.persisted
    if (waits) return { committed, written: { kind: 'failed', failure: committed.failure } }
    return { committed, written: await storeUnlessLeft(pending, observed, deps) }
  }
  const { value: record } = committed
  if (isOvertakenBy(record, pending, deps)) return { committed, written: { kind: 'overtaken' } }
  return writeBack({ ...pending, recorded: true }, { ...observed, record }, deps)
}

function commitUnlessRecorded(
  pending: PendingTokens,
  observed: StoreSubject,
  deps: Deps,
): Promise<Result<RefreshRecord>> | Result<RefreshRecord> {
  const known = pending.recorded ? observed.record : undefined
  return known === undefined ? commit(pending, recordPlace(pending, observed), deps) : ok(known)
}

function storeUnlessLeft(
  pending: PendingTokens,
  observed: StoreSubject,
  deps: Deps,
): Promise<WriteBackOutcome> | WriteBackOutcome {
  if (pending.persisted) return { kind: 'kept' }
  const waits = pending.storeWriteDueAt !== undefined && deps.clock.now() < pending.storeWriteDueAt
  return waits ? { kind: 'paced' } : writeStore(pending, observed, deps)
}

/** True when the record keeps other tokens than these, or knows that they are used up. */
function isOvertakenBy(record: RefreshRecord, { tokens, source }: PendingTokens, { records }: Deps): boolean {
  if (tokens.refreshToken === undefined) return false
  const { retained, spent } = facing(record, source)
  const fingerprint = records.fingerprint(tokens.refreshToken)
  return retained?.fingerprint !== fingerprint || spent.includes(fingerprint)
}

/** Sealed with the key of the document that the refresh token came from, as the intent was. */
function recordPlace({ base }: PendingTokens, observed: StoreSubject): RecordPlace {
  const { credential, record } = observed
  const opened = openedTokens(observed)
  return { credential, sealingKey: sealingKeyOf(base.claim), opened, ...(record && { record }) }
}

/** Everything about one write into a store. */
interface Writing {
  readonly open: OpenStore
  readonly pending: PendingTokens
  readonly observed: StoreSubject
  readonly deps: Deps
}

/**
 * Compare-and-set against the document that was read; one that changed in other fields is followed,
 * and so is one with a token that was replaced before; a refresh token that somebody else put there stays.
 */
export async function writeStore(
  pending: PendingTokens,
  observed: StoreSubject,
  deps: Deps,
): Promise<WriteBackOutcome> {
  const open = openStore(observed, deps, pending.source)
  if (isStoreFailure(open)) return writeBackFailed(open, 'kubernetes', deps)
  const writing: Writing = { open, pending, observed, deps }
  const first = pending.base.version === '' ? await currentBase(writing) : { kind: 'base' as const, base: pending.base }
  let next = first
  for (let tries = 0; next.kind === 'base'; tries += 1) {
    const outcome = await tryStore(next.base, writing)
    if (outcome.ok) return { kind: 'written', stored: outcome.value }
    if (!isToBeReadBack(outcome.failure) || tries >= writeBackTries) {
      return writeBackFailed(outcome.failure, open.config.backend.type, deps)
    }
    next = await currentBase(writing)
  }
  return next
}

type NextBase = WriteBackOutcome | { readonly kind: 'base'; readonly base: StoredRefreshToken }

/** What stands there now, and whether it may be written over. */
async function currentBase(writing: Writing): Promise<NextBase> {
  const { open, observed, deps } = writing
  const current = await readOpen(open, observed, deps)
  if (!current.ok) return writeBackFailed(current.failure, open.config.backend.type, deps)
  const verdict = judge(current.value, writing)
  if (verdict === 'spent') return writeBackFailed(replacedBefore(open), open.config.backend.type, deps)
  return verdict === 'ours-to-write' ? { kind: 'base', base: current.value } : { kind: verdict, stored: current.value }
}

function tryStore(
  base: StoredRefreshToken,
  { open, pending, observed, deps }: Writing,
): Promise<Result<StoredRefreshToken>> {
  const mark = isClaimedByAnother(base, observed, deps) ? undefined : markOf(pending.tokens, observed, deps)
  const tokens = { ...pending.tokens, ...(mark && { mark }) }
  return limited(open, observed, deps, () => open.store.writeBack(open.location, base, tokens))
}

/** What the document's claim is to say of the token. While the record does not have it yet, it will be the next generation. */
function markOf(
  { refreshToken }: PendingTokens['tokens'],
  { record }: StoreSubject,
  { records }: Deps,
): TokenMark | undefined {
  // Without the record nobody knows how many there were. The mark of another token that is left says nothing.
  if (refreshToken === undefined || record === undefined) return undefined
  const fingerprint = records.fingerprint(refreshToken)
  const newest = newestIn(record).find((one) => one.fingerprint === fingerprint)
  return {
    fingerprint,
    generation: newest === undefined ? record.generation + 1 : (newest.generation ?? record.generation),
  }
}

/** True of a claim that another credential has put there since. Its mark counts that one's tokens, and not these. */
export function isClaimedByAnother({ claim }: StoredRefreshToken, { credential }: StoreSubject, deps: Deps): boolean {
  return claim?.kind === 'claimed' && claim.claim.owner !== ownerId(deps.installation.id, credential.uid)
}

function isToBeReadBack({ code }: Failure): boolean {
  return code === 'STORE_CONFLICT' || code === 'STORE_WRITE_UNKNOWN'
}

const noTokens: Pick<RefreshRecord, 'spent' | 'left'> = { spent: [] }

function judge(
  current: StoredRefreshToken,
  { pending, observed, deps }: Writing,
): 'written' | 'superseded' | 'ours-to-write' | 'spent' {
  const { presented, tokens, recorded } = pending
  if (tokens.refreshToken !== undefined && sameSecret(current.refreshToken, tokens.refreshToken)) return 'written'
  if (sameSecret(current.refreshToken, presented)) return 'ours-to-write'
  const { spent, left = [] } = observed.record ?? noTokens
  const fingerprint = deps.records.fingerprint(current.refreshToken)
  // Only what the record says to be the newest goes over a token that was replaced by another process's.
  if (spent.includes(fingerprint)) return recorded ? 'ours-to-write' : 'spent'
  return !recorded && left.some((intent) => intent.fingerprint === fingerprint) ? 'spent' : 'superseded'
}

function replacedBefore({ location: { key }, config }: OpenStore): Failure {
  const what = `The document "${key}" of ${storeText(config)} holds a refresh token that was replaced before.`
  return failure('STORE_CONFLICT', what)
}

function writeBackFailed(
  cause: Failure,
  type: TokenStore['backend']['type'],
  deps: Deps,
): Extract<WriteBackOutcome, { kind: 'failed' }> {
  deps.metrics.writeBackFailed(type, cause.code)
  return { kind: 'failed', failure: cause }
}
