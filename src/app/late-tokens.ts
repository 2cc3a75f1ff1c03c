import type { AnsweredEntry } from '../domain/journal-entry.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { sameSecret } from '../domain/sensitive.ts'
import type { EngineDeps } from './deps.ts'
import { commit, isOfPlaceLeft, type IssuedFor, type RecordPlace } from './execute-record.ts'
import { isGivenUpBy, isStoreFailure, openStore } from './execute-store.ts'

/**
 * Brings tokens of the journal into the record, or into the store of a place that their credential has left since: the
 * record has no room for those.
 *
 * Failures: those of the record and of the store. What somebody has put into the store since stays, and so does what
 * nobody waits for, because document or store were taken away. Idempotent.
 */
export async function bringIn(
  issued: IssuedFor,
  entry: AnsweredEntry,
  place: RecordPlace,
  deps: EngineDeps,
): Promise<Result<RefreshRecord>> {
  const committed = await commit(issued, place, deps)
  if (!committed.ok || !hasNoRoom(committed.value, issued, deps)) return committed
  const stored = await storeWhereLeft(issued, { entry, record: committed.value }, deps)
  return stored.ok ? commit({ ...issued, isStored: true }, place, deps) : stored
}

function hasNoRoom(record: RefreshRecord, issued: IssuedFor, { records }: EngineDeps): boolean {
  const { refreshToken } = issued.tokens
  if (refreshToken === undefined || !isOfPlaceLeft(record, issued)) return false
  const fingerprint = records.fingerprint(refreshToken)
  return record.retained?.fingerprint !== fingerprint && !record.spent.includes(fingerprint)
}

interface LeftBehind {
  readonly entry: AnsweredEntry
  readonly record: RefreshRecord
}

/** Compare-and-set over the token that was presented, or over one that is used up, as a store shows it that was put back. */
async function storeWhereLeft(
  { tokens, presented, source }: IssuedFor,
  { entry: { uid, credential: key }, record }: LeftBehind,
  deps: EngineDeps,
): Promise<Result<unknown>> {
  const open = openStore({ credential: { key, uid } }, deps, source)
  if (isStoreFailure(open)) return isGivenUpBy({ uid, key }, source, open, deps) ? ok(undefined) : failed(open)
  const read = await open.store.read(open.location)
  if (!read.ok) return isGivenUpBy({ uid, key }, source, read.failure, deps) ? ok(undefined) : read
  const { refreshToken } = read.value
  const isUsedUp = sameSecret(refreshToken, presented) || record.spent.includes(deps.records.fingerprint(refreshToken))
  return isUsedUp ? open.store.writeBack(open.location, read.value, tokens) : ok(undefined)
}
