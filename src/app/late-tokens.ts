import { isSameSource } from '../domain/credential.ts'
import type { Failure } from '../domain/failures.ts'
import type { AnsweredEntry } from '../domain/journal-entry.ts'
import { newestIn, type RefreshRecord } from '../domain/refresh-record.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { sameSecret } from '../domain/sensitive.ts'
import type { EngineDeps } from './deps.ts'
import { commit, type IssuedFor, type RecordPlace } from './execute-record.ts'
import { isGivenUpBy, isStoreFailure, openStore } from './execute-store.ts'

/** A record that has what the journal had. */
export interface Recovered {
  readonly record: RefreshRecord
  /** Why the store of a place that was left does not have it yet: the journal keeps it until then, or until it is needed. */
  readonly missing?: Failure
}

/**
 * Brings tokens of the journal into the record, and where their credential has left their place since, into the store
 * there: its document may have lost the key that opens them in the record.
 *
 * Failures: those of the record. What somebody has put into the store since stays, and so does what nobody waits for,
 * because document or store were taken away. Idempotent.
 */
export async function bringIn(
  issued: IssuedFor,
  entry: AnsweredEntry,
  place: RecordPlace,
  deps: EngineDeps,
): Promise<Result<Recovered>> {
  const committed = await commit(issued, place, deps)
  if (!committed.ok) return committed
  const { value: record } = committed
  if (!isOfPlaceLeft(record, issued, deps)) return ok({ record })
  const stored = await storeWhereLeft(issued, { entry, record }, deps)
  return ok({ record, ...(!stored.ok && { missing: stored.failure }) })
}

/** True of the newest tokens of one place, where the record tells of others, too. */
function isOfPlaceLeft(record: RefreshRecord, { tokens, source }: IssuedFor, { records }: EngineDeps): boolean {
  const { refreshToken } = tokens
  const others = [...newestIn(record), record.intent].filter(
    (one) => one !== undefined && !isSameSource(one.source, source),
  )
  return refreshToken !== undefined && others.length > 0 && isNewest(record, records.fingerprint(refreshToken))
}

function isNewest(record: RefreshRecord, fingerprint: string): boolean {
  return record.retained?.fingerprint === fingerprint && !record.spent.includes(fingerprint)
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
