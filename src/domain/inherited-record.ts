import type { CredentialKey, RefreshTokenSource } from './credential.ts'
import { intentOn, intentsOf, type RefreshIntent, type RefreshRecord, type RetainedTokens } from './refresh-record.ts'
import { withSpent } from './spent-tokens.ts'
import type { EpochSeconds } from './time.ts'

// A login outlives the credential that used it: one that is renamed, created anew or restored from a backup
// finds the refresh token where its predecessor left it, and has to know what that one knew of it.

/** True when a record tells of this refresh token that it was used up, or issued, or is being presented. */
export function knows(record: RefreshRecord, fingerprint: string): boolean {
  const { retained, spent } = record
  return (
    retained?.fingerprint === fingerprint || spent.includes(fingerprint) || intentOn(record, fingerprint) !== undefined
  )
}

/** True when both records tell of one login: the other one knows the refresh token in the store, or the heir's newest. */
export function isOfLogin(before: RefreshRecord, own: RefreshRecord, fingerprint: string): boolean {
  return knows(before, fingerprint) || knowsNewestOf(before, own)
}

function knowsNewestOf(record: RefreshRecord, { retained }: RefreshRecord): boolean {
  return retained !== undefined && knows(record, retained.fingerprint)
}

/**
 * What a record tells of a place. Who has gone on to another one counts the last token of the place before as used up,
 * although it may never have been presented there again: of that place it tells whom it has left there, and nothing else.
 */
export function tellingOf(record: RefreshRecord, isHere: (source: RefreshTokenSource) => boolean): RefreshRecord {
  const { intent: _elsewhere, left: _too, retained, ...rest } = record
  if (retained === undefined || isHere(retained.source)) return record
  const open = intentsOf(record).filter(({ source }) => isHere(source))
  return { ...rest, spent: [], ...(open.length > 0 && { left: open }) }
}

/** Where the tokens of a record were read, as far as it says. */
export function sourcesOf(
  record: Pick<RefreshRecord, 'intent' | 'left'> & { readonly retained?: Pick<RetainedTokens, 'source'> },
): readonly RefreshTokenSource[] {
  return [...intentsOf(record), record.retained].flatMap((one) => one?.source ?? [])
}

/** Who inherits, and what. */
export interface Inheritance {
  /** Of the refresh token in the store. */
  readonly fingerprint: string
  /** How the heir names the place that both have in common. */
  readonly source: RefreshTokenSource
  /** True when it is certain that the newest tokens of the record before belong there. Nobody is given those of another place. */
  readonly isProven: boolean
  /** Of the heir, as its status tells. */
  readonly lastRefreshAt?: EpochSeconds | undefined
}

/**
 * A credential's record with all that another one knows of the same login, which nobody acts on any more: its holders
 * are over. Of an earlier login it is what was used up: a store that is rolled back may show it again. Left behind are
 * the access token, as the heir may ask for less than it was issued for, and a refusal, as whoever makes a credential
 * anew may have mended the cause. Pure.
 */
export function inherited(own: RefreshRecord, before: RefreshRecord, inheritance: Inheritance): RefreshRecord {
  if (!isOfLogin(before, own, inheritance.fingerprint)) return withUsedUpBefore(own, before, own.retained)
  const adapted = adaptedTo(own, before, inheritance)
  const isShared = knowsNewestOf(own, before) || knowsNewestOf(before, own)
  if (isShared || knows(own, inheritance.fingerprint)) return joined(own, adapted)
  return isLaterLogin(own, before, inheritance) ? replacing(own, before) : succeeding(own, adapted)
}

/** True when the heir has had tokens of another login since: a store that shows the predecessor's is a copy from before. */
function isLaterLogin(
  { retained, storeWrittenAt }: RefreshRecord,
  before: RefreshRecord,
  { lastRefreshAt }: Inheritance,
): boolean {
  if (retained === undefined) return false
  // What is sealed with the key of another version of the document does not say when it was issued.
  const hadAt = Math.max(storeWrittenAt ?? 0, issuedAt(retained), lastRefreshAt ?? 0)
  return hadAt > Math.max(before.storeWrittenAt ?? 0, issuedAt(before.retained), ...startsOf(before))
}

function issuedAt(retained: RetainedTokens | undefined): number {
  return retained?.tokens?.accessToken?.issuedAt ?? 0
}

function startsOf(record: RefreshRecord): readonly number[] {
  return intentsOf(record).map(({ startedAt }) => startedAt)
}

/** As where one credential goes on with another login: all of the one before is used up. */
function replacing(own: RefreshRecord, before: RefreshRecord): RefreshRecord {
  const { retained, spent } = before
  const open = intentsOf(before).map(({ fingerprint }) => fingerprint)
  const all = [...spent, ...(retained === undefined ? [] : [retained.fingerprint]), ...open]
  return withUsedUpBefore(own, { ...before, spent: [...new Set(all)] }, own.retained)
}

/** The login is the predecessor's alone: its record goes on, under another name. */
function succeeding(own: RefreshRecord, before: RefreshRecord): RefreshRecord {
  const { left: _settled, ...rest } = before
  const open = [...intentsOf(own), ...(before.left ?? [])]
  return {
    ...rest,
    epoch: Math.max(own.epoch, before.epoch),
    generation: Math.max(own.generation, before.generation),
    spent: withSpent({ ...before, spent: own.spent }, before.spent, before.retained?.fingerprint),
    ...(open.length > 0 && { left: open }),
  }
}

/** Both have used it, one after the other: the newest tokens are those that neither knows to be used up. */
function joined(own: RefreshRecord, before: RefreshRecord): RefreshRecord {
  const retained = newestOf(own, before)
  const isUnknown = ({ fingerprint }: RefreshIntent): boolean =>
    intentOn(own, fingerprint) === undefined && !own.spent.includes(fingerprint)
  const unknown = intentsOf(before).filter(isUnknown)
  const open = [...unknown, ...(own.left ?? [])]
  return {
    ...withUsedUpBefore(own, before, retained),
    generation: Math.max(own.generation, before.generation),
    ...(retained && { retained }),
    // A token goes to the server that issued it.
    ...(retained === before.retained && before.origin !== undefined && { origin: before.origin }),
    ...(open.length > 0 && { left: open }),
  }
}

function withUsedUpBefore(
  own: RefreshRecord,
  before: RefreshRecord,
  newest: RetainedTokens | undefined,
): RefreshRecord {
  return { ...own, spent: withSpent({ ...own, spent: before.spent }, own.spent, newest?.fingerprint) }
}

function newestOf(own: RefreshRecord, before: RefreshRecord): RetainedTokens | undefined {
  const { retained: kept, spent } = own
  const other = before.retained
  if (other === undefined || spent.includes(other.fingerprint)) return kept
  // One may be sealed with the key of a document that was lost, and the other with the operator's own.
  if (other.fingerprint === kept?.fingerprint) return kept.tokens === undefined ? other : kept
  return kept === undefined || before.spent.includes(kept.fingerprint) ? other : kept
}

function adaptedTo(own: RefreshRecord, before: RefreshRecord, { source, isProven }: Inheritance): RefreshRecord {
  const { intent, left, retained, refused: _mended, ...rest } = before
  const adapt = ({ holder: _over, ...open }: RefreshIntent): RefreshIntent => ({ ...open, source })
  const subject: { uid: string; credential: CredentialKey; version: string } = own
  return {
    ...rest,
    uid: subject.uid,
    credential: subject.credential,
    version: subject.version,
    ...(intent && { intent: adapt(intent) }),
    ...(left && { left: left.map(adapt) }),
    ...(retained && isProven && { retained: adaptedTokens(retained, source) }),
  }
}

/** What could not be opened is sealed for its own record, and stays there. */
function adaptedTokens({ fingerprint, tokens }: RetainedTokens, source: RefreshTokenSource): RetainedTokens {
  if (tokens === undefined) return { fingerprint, source }
  const { accessToken: _issuedToAnother, ...kept } = tokens
  return { fingerprint, source, tokens: kept }
}
