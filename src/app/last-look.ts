import { type Credential, isRefreshTokenAt, keyText } from '../domain/credential.ts'
import { type Failure, failure } from '../domain/failures.ts'
import { sourcesOf } from '../domain/inherited-record.ts'
import type { Observed } from '../domain/observed.ts'
import { owned } from '../domain/ownership.ts'
import type { PredecessorRecord } from '../domain/preflight-finding.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { hasKept } from '../domain/rotation.ts'
import type { SendAction } from '../domain/step.ts'
import type { Deps } from './deps.ts'
import { readRecord } from './execute-record.ts'
import type { Arrival } from './left-records.ts'
import { type Neighbour, neighboursAt, ownerAmong } from './neighbours.ts'

/** A request that is about to be made. */
interface Intended {
  readonly action: SendAction
  /** Of the token. */
  readonly fingerprint: string
  readonly observed: Observed
  /** Makes the intent anew where much time has passed since. */
  readonly renew: () => Promise<Result<unknown>>
}

/**
 * Makes sure, once one's own intent stands, that nobody else has begun for the token, or will: neither a credential that
 * had it before, nor one that names it, too.
 *
 * Failures: those of reading, listing and removing records; REFRESH_RECORD_CONFLICT where a record has changed since
 * the pre-flight, or another one has turned up, so that all is looked at anew, and where the credential of a new record
 * is gone; KUBERNETES_UNAVAILABLE and KUBERNETES_FORBIDDEN where that could not be found out; REFRESH_TOKEN_OWNED.
 */
export async function lastLook({ action, fingerprint, observed, renew }: Intended, deps: Deps): Promise<Result<void>> {
  const confirmed = await confirm(action, observed, deps)
  if (!confirmed.ok) return confirmed
  const renewed = await renew()
  if (!renewed.ok) return renewed
  const settled = await settleBefore(action.before ?? [], observed, deps)
  if (!settled.ok) return settled
  const neighbours = await neighboursAt(observed.credential, deps)
  if (!neighbours.ok) return neighbours
  const owner = await ownerAmong(neighbours.value, fingerprint, deps)
  if (owner !== undefined) return failed(owned(observed, `OAuthCredential ${keyText(owner)}`))
  const others = confirmed.value === 'known' ? [] : [...settled.value, ...recordsOf(neighbours.value)]
  const turned = await turnAway(others, deps)
  if (turned.ok) deps.leftRecords.arrived(observed.credential.uid)
  return turned
}

/**
 * Whoever has read one of these records before the newcomer's intent stood, and has not heard of it, cannot put an intent
 * of its own into that any more: it has to look again, and finds the newcomer's.
 */
async function turnAway(records: readonly RefreshRecord[], deps: Deps): Promise<Result<void>> {
  const written = await Promise.all(records.map((record) => rewrite(record, deps)))
  const late = written.find((one) => !one.ok)
  return late?.ok === false ? late : ok(undefined)
}

/** This process knows of the newcomer: what it has of the record itself is as good as it was. */
async function rewrite(record: RefreshRecord, deps: Deps): Promise<Result<unknown>> {
  const written = await deps.records.replace(record, undefined)
  if (written.ok) deps.leftRecords.rewrote(record, written.value.version)
  return written
}

/** Who has none yet is a newcomer itself. */
function recordsOf(neighbours: readonly Neighbour[]): readonly RefreshRecord[] {
  return neighbours.map(({ record }) => record).filter(({ version }) => version !== '')
}

/** All records are known that may have been made before the credential came to its place; and it is there, where its own is new. */
async function confirm(action: SendAction, observed: Observed, deps: Deps): Promise<Result<'known' | 'coming'>> {
  const { credential } = observed
  const [exists, listed] = await Promise.all([
    confirmExists(credential, deps),
    deps.leftRecords.covers(credential, arrivalOf(action, observed, deps), deps),
  ])
  if (!exists.ok) return exists
  if (listed.ok) deps.unconfirmedRecords.settle(credential.uid)
  return listed
}

/**
 * What tells others that the credential is at this place. An intent that was taken back tells it no more; and of a token
 * that was never replaced no record tells where it is, but each leader looks once.
 */
function arrivalOf({ record, before = [] }: SendAction, observed: Observed, deps: Deps): Arrival {
  const isUntold = !tellsOfPlace(record, observed) && !isKnownToStay(observed)
  return { isNew: isUntold || deps.unconfirmedRecords.has(observed.credential.uid), isHeir: before.length > 0 }
}

function tellsOfPlace(record: RefreshRecord | undefined, { credential: { spec } }: Observed): boolean {
  return record !== undefined && sourcesOf(record).some((source) => isRefreshTokenAt(spec, source))
}

function isKnownToStay({ state, provider }: Observed): boolean {
  return provider.kind === 'found' && hasKept(state, provider.value)
}

/** Of a record that did not exist: its credential is there. */
async function confirmExists(credential: Credential, { status, unconfirmedRecords }: Deps): Promise<Result<void>> {
  if (!unconfirmedRecords.has(credential.uid)) return ok(undefined)
  const exists = await status.exists(credential)
  if (!exists.ok) return exists
  return exists.value ? ok(undefined) : failed(isGone(credential))
}

/**
 * The records of those before are as they were read, and those that are inherited are over with that: whoever comes late
 * for one of them is refused. Returns the others, as far as there are any.
 */
async function settleBefore(
  before: readonly PredecessorRecord[],
  observed: Observed,
  deps: Deps,
): Promise<Result<readonly RefreshRecord[]>> {
  // All at once: there may be many, and the request is to be made soon.
  const all = await Promise.all(before.map((one) => (one.isInherited ? remove(one, deps) : unchanged(one, deps))))
  const stay: RefreshRecord[] = []
  for (const settled of all) {
    if (!settled.ok) return settled
    if (settled.value !== undefined && settled.value.version !== '') stay.push(settled.value)
  }
  const left = await deps.leftRecords.at({ credential: observed.credential, claimedBy: undefined }, deps)
  if (!left.ok) return left
  const isNew = left.value.some(({ uid }) => !before.some(({ record }) => record.uid === uid))
  return isNew ? failed(anotherLeft(observed)) : ok(stay)
}

async function remove({ record }: PredecessorRecord, deps: Deps): Promise<Result<undefined>> {
  // One that never was cannot be removed, and may have been made meanwhile.
  const removed =
    record.version === '' ? await unchanged({ record, isInherited: true }, deps) : await deps.records.remove(record)
  if (!removed.ok) return removed
  deps.leftRecords.forget(record.uid)
  deps.intentWatches.forget(record.uid)
  return ok(undefined)
}

async function unchanged({ record }: PredecessorRecord, deps: Deps): Promise<Result<RefreshRecord>> {
  const read = await readRecord({ uid: record.uid, key: record.credential }, undefined, deps)
  return read.ok && read.value.version !== record.version ? failed(hasChanged(record)) : read
}

function isGone({ key }: Pick<Credential, 'key'>): Failure {
  const what = `OAuthCredential ${keyText(key)} is gone, is being deleted, or was made anew, which this process has not been told yet.`
  return failure('REFRESH_RECORD_CONFLICT', what)
}

function anotherLeft({ credential }: Pick<Observed, 'credential'>): Failure {
  const what = `Another credential has given up the refresh token of OAuthCredential ${keyText(credential.key)} just now.`
  return failure('REFRESH_RECORD_CONFLICT', what)
}

function hasChanged({ credential }: Pick<RefreshRecord, 'credential'>): Failure {
  const what = `The refresh record of OAuthCredential ${keyText(credential)}, which had the refresh token before, has changed since it was read.`
  return failure('REFRESH_RECORD_CONFLICT', what)
}
