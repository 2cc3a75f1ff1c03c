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
  const stored = await storeWhereLeft(issued, entry, deps)
  return stored.ok ? commit({ ...issued, isStored: true }, place, deps) : stored
}

function hasNoRoom(record: RefreshRecord, issued: IssuedFor, { records }: EngineDeps): boolean {
  const { refreshToken } = issued.tokens
  if (refreshToken === undefined || !isOfPlaceLeft(record, issued)) return false
  return record.retained?.fingerprint !== records.fingerprint(refreshToken)
}

/** Compare-and-set over the token that was presented. */
async function storeWhereLeft(
  { tokens, presented, source }: IssuedFor,
  { uid, credential: key }: AnsweredEntry,
  deps: EngineDeps,
): Promise<Result<unknown>> {
  const open = openStore({ credential: { key, uid } }, deps, source)
  if (isStoreFailure(open)) return isGivenUpBy({ uid }, source, open, deps) ? ok(undefined) : failed(open)
  const read = await open.store.read(open.location)
  if (!read.ok) return isGivenUpBy({ uid }, source, read.failure, deps) ? ok(undefined) : read
  const isReplaced = !sameSecret(read.value.refreshToken, presented)
  return isReplaced ? ok(undefined) : open.store.writeBack(open.location, read.value, tokens)
}
