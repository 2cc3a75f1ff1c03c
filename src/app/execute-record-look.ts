import type { RefreshTokenSource } from '../domain/credential.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import { openedTokens, withOpened } from '../domain/opened-tokens.ts'
import { facing } from '../domain/record-places.ts'
import { isClosed, type RetainedTokens } from '../domain/refresh-record.ts'
import { lackingIn, pendingOf } from '../domain/record-look.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import type { BroughtHome, RecordLook } from '../domain/step.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'
import { readRecord, sealingKeyOf } from './execute-record.ts'
import { isGivenUpBy, isStoreFailure, openStore, readOpen, standingOf, type StoreSubject } from './execute-store.ts'
import { isClaimedByAnother, writeStore } from './execute-write-back.ts'

/**
 * Reads the record as it faces a place, and what stands there. Where the record has no tokens of that place, or somebody
 * has taken it away after the credential had left, nothing is looked at there.
 */
async function lookAtRecord(
  observed: StoreSubject,
  source: RefreshTokenSource,
  deps: Deps,
): Promise<Result<RecordLook>> {
  const { credential } = observed
  const sealed = await readRecord(credential, undefined, deps)
  if (!sealed.ok) return sealed
  deps.leftRecords.noteRead(sealed.value, observed.record)
  const known = openedTokens(observed)
  const faced = withOpened(facing(sealed.value, source), known)
  if (faced.retained === undefined) return ok({ record: faced })
  const open = openStore(observed, deps, source)
  const stored = isStoreFailure(open) ? failed(open) : await readOpen(open, observed, deps)
  if (!stored.ok) return isGivenUpBy(credential, source, stored.failure, deps) ? ok({ record: faced }) : stored
  const read = await readRecord(credential, sealingKeyOf(stored.value.claim), deps)
  if (!read.ok) return read
  deps.leftRecords.noteRead(read.value, observed.record)
  const record = withOpened(facing(read.value, source), known)
  const fingerprint = deps.records.fingerprint(stored.value.refreshToken)
  return ok({ record, stored: stored.value, storeHolds: standingOf(fingerprint, record) })
}

/** As {@link lookAtRecord}, at the place that the spec names. Of a grant without one the record is all there is. */
export async function lookAtSpec(observed: Observed, deps: Deps): Promise<Result<RecordLook>> {
  const { spec } = observed.credential
  if (spec.grant === 'RefreshToken') return lookAtRecord(observed, spec.refreshToken, deps)
  const read = await readRecord(observed.credential, undefined, deps)
  if (!read.ok) return read
  deps.leftRecords.noteRead(read.value, observed.record)
  return ok({ record: withOpened(read.value, openedTokens(observed)) })
}

/**
 * Puts into the store of a place that was left what the record has of it and the store has not: over a token that is used
 * up, and over nothing else. Idempotent.
 *
 * Failures: those of reading the record, and of the store; STORE_ROLLED_BACK where nothing opens the tokens any more.
 */
export async function bringHome(
  { source }: Pick<RetainedTokens, 'source'>,
  observed: StoreSubject,
  deps: Deps,
): Promise<Result<BroughtHome>> {
  const look = await lookAtRecord(observed, source, deps)
  if (!look.ok) return look
  const { record, stored, storeHolds } = look.value
  if (storeHolds === 'newest') return ok({ kind: 'at-home', record })
  if (storeHolds === 'another') return ok({ kind: 'replaced', record })
  if (stored === undefined || isAnothers(stored, observed, deps)) return ok({ kind: 'given-up', record })
  const lacking = lackingIn(look.value)
  if (lacking === undefined) return isClosed(record) ? failed(lockedIn(source)) : ok({ kind: 'at-home', record })
  const pending = pendingOf({ ...lacking, source, persisted: false }, deps.clock.now())
  const written = await writeStore(pending, { ...observed, record }, deps)
  if (written.kind === 'failed') return failed(written.failure)
  return ok(written.kind === 'written' ? { ...written, record } : { kind: 'replaced', record })
}

/** True of a claim of somebody who may be there: one that is gone from this installation brings nothing home any more. */
function isAnothers(stored: StoredRefreshToken, observed: StoreSubject, deps: Deps): boolean {
  if (!isClaimedByAnother(stored, observed, deps) || stored.claim?.kind !== 'claimed') return false
  const prefix = `${deps.installation.id}/`
  const { owner } = stored.claim.claim
  return !owner.startsWith(prefix) || deps.resources.credentialByUid(owner.slice(prefix.length)) !== undefined
}

function lockedIn({ key }: RefreshTokenSource): Failure {
  const what = `The document "${key}" holds a refresh token that was replaced before, and has lost the key that opens its successor.`
  return failure('STORE_ROLLED_BACK', what)
}
