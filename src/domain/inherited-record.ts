import type { CredentialKey, RefreshTokenSource } from './credential.ts'
import {
  intentOn,
  intentsOf,
  isNewestIn,
  newestIn,
  type RefreshIntent,
  type RefreshRecord,
  type RetainedTokens,
} from './refresh-record.ts'
import { facing, generationOf } from './record-places.ts'
import { withSpent } from './spent-tokens.ts'
import type { EpochSeconds } from './time.ts'

// A login outlives the credential that used it: one that is renamed, created anew or restored from a backup
// finds the refresh token where its predecessor left it, and has to know what that one knew of it.

/** True when a record tells of this refresh token that it was used up, or issued, or is being presented. */
export function knows(record: RefreshRecord, fingerprint: string): boolean {
  const isUsed = record.spent.includes(fingerprint) || intentOn(record, fingerprint) !== undefined
  return isUsed || isNewestIn(record, fingerprint)
}

/** True when both records tell of one login: the other one knows the refresh token in the store, or the heir's newest. */
export function isOfLogin(before: RefreshRecord, own: RefreshRecord, fingerprint: string): boolean {
  return knows(before, fingerprint) || knowsNewestOf(before, own)
}

function knowsNewestOf(record: RefreshRecord, { retained }: RefreshRecord): boolean {
  return retained !== undefined && knows(record, retained.fingerprint)
}

/**
 * What a record tells of a place: what was used up, wherever that was, whom it has left there, and its newest tokens if they
 * belong there. The record itself where it tells of no other place.
 */
export function tellingOf(whole: RefreshRecord, isHere: (source: RefreshTokenSource) => boolean): RefreshRecord {
  if (whole.kept === undefined && sourcesOf(whole).every(isHere)) return whole
  const here = newestIn(whole).findLast(({ source }) => isHere(source))
  return tellingOfFaced(here === undefined ? whole : facing(whole, here.source), isHere)
}

function tellingOfFaced(record: RefreshRecord, isHere: (source: RefreshTokenSource) => boolean): RefreshRecord {
  const { intent, left: _all, retained, kept: _elsewhere, ...rest } = record
  const isTokenHere = retained === undefined || isHere(retained.source)
  const open = intentsOf(record).filter(({ source }) => isHere(source))
  const left = isTokenHere ? open.filter((one) => one !== intent) : open
  return {
    ...rest,
    ...(isTokenHere && intent !== undefined && open.includes(intent) && { intent }),
    ...(left.length > 0 && { left }),
    ...(isTokenHere && retained && { retained }),
  }
}

/**
 * True when this one has used up the newest token of another one, which is still there, and has begun nothing since: of
 * one login, all that the other one has used up comes before that.
 */
export function continues(own: RefreshRecord, other: RefreshRecord): boolean {
  const isReplaced = newestIn(other).some(({ fingerprint }) => own.spent.includes(fingerprint))
  if (!isReplaced || intentsOf(other).length > 0) return false
  return !other.spent.includes(own.retained?.fingerprint ?? '')
}

/** Where the tokens of a record were read, as far as it says. */
export function sourcesOf(
  record: Pick<RefreshRecord, 'intent' | 'left'> & {
    readonly retained?: Pick<RetainedTokens, 'source'>
    readonly kept?: readonly Pick<RetainedTokens, 'source'>[]
  },
): readonly RefreshTokenSource[] {
  return [...intentsOf(record), ...(record.kept ?? []), record.retained].flatMap((one) => one?.source ?? [])
}

/** Who inherits, and what. */
export interface Inheritance {
  /** Of the refresh token in the store. */
  readonly fingerprint: string
  /** How the heir names the place that both have in common. */
  readonly source: RefreshTokenSource
  /** True when it is certain that the newest tokens of the record before belong there. Nobody is given those of another place. */
  readonly isProven: boolean
  /** True when the heir's own newest tokens belong to that place. */
  readonly isOwnHere: boolean
  /** Since when the heir has used its own login, as its status tells. */
  readonly loginUsedAt?: EpochSeconds | undefined
}

/**
 * A credential's record with all that another one knows of the same login, which nobody acts on any more: its holders
 * are over. Of an earlier login it is what was used up: a store that is rolled back may show it again. Left behind are
 * the access token, as the heir may ask for less than it was issued for, and a refusal, as whoever makes a credential
 * anew may have mended the cause. An heir that has had tokens of a later login there keeps those. Pure.
 */
export function inherited(own: RefreshRecord, before: RefreshRecord, inheritance: Inheritance): RefreshRecord {
  const { fingerprint } = inheritance
  if (!isOfLogin(before, own, fingerprint)) {
    return withUsedUpBefore(own, before, { newest: own.retained, shown: fingerprint })
  }
  const adapted = adaptedTo(own, before, inheritance)
  const isShared = knowsNewestOf(own, before) || knowsNewestOf(before, own)
  if (isShared || knows(own, fingerprint)) return joined(own, adapted, inheritance)
  switch (laterOf(own, before, inheritance)) {
    case 'own':
      return replacing(own, before, inheritance)
    case 'before':
      return hasOlderTokens(before, own, inheritance)
        ? keeping(own, before, { adapted, inheritance })
        : afterPredecessor(own, before, { adapted, inheritance })
    case 'unknown':
      return beside(own, before, { left: [...intentsOf(adapted), ...(own.left ?? [])], inheritance })
  }
}

/** Of two logins at one place, whose tokens came later: a store that shows those of the other one was put back. */
function laterOf(
  { retained, storeWrittenAt }: RefreshRecord,
  before: RefreshRecord,
  { isOwnHere, loginUsedAt }: Inheritance,
): 'own' | 'before' | 'unknown' {
  if (retained === undefined || !isOwnHere) return 'before'
  // What is sealed with the key of another version of the document does not say when it was issued.
  const ownAt = Math.max(storeWrittenAt ?? 0, issuedAt(retained), loginUsedAt ?? 0)
  const beforeAt = Math.max(before.storeWrittenAt ?? 0, issuedAt(before.retained), ...startsOf(before))
  if (ownAt === 0 || beforeAt === 0) return 'unknown'
  return ownAt > beforeAt ? 'own' : 'before'
}

interface Adapted {
  /** The record before, as the heir names what is in it. */
  readonly adapted: RefreshRecord
  readonly inheritance: Inheritance
}

/** Where the one before left no tokens, those stay that the heir has elsewhere. */
function afterPredecessor(own: RefreshRecord, before: RefreshRecord, { adapted, inheritance }: Adapted): RefreshRecord {
  return adapted.retained === undefined && own.retained !== undefined
    ? beside(own, before, { left: [...intentsOf(adapted), ...(own.left ?? [])], inheritance })
    : succeeding(own, adapted)
}

/**
 * True when the newest tokens of the one before came earlier than the heir's, whatever it has begun with since. A record
 * that came back from a backup has such. Not where the store shows them, or where they are what was begun with.
 */
function hasOlderTokens(before: RefreshRecord, own: RefreshRecord, { isOwnHere, fingerprint }: Inheritance): boolean {
  const { retained } = before
  if (!isOwnHere || own.retained === undefined || retained === undefined) return false
  // Whoever has nothing but a token that was refused is better off with the other one.
  const isRefused = own.refused?.fingerprint === own.retained.fingerprint
  const isBegunWith = retained.fingerprint === fingerprint || intentOn(before, retained.fingerprint) !== undefined
  if (isRefused || isBegunWith) return false
  const cameAt = lastCameAt(before)
  return cameAt !== 0 && cameAt < lastCameAt(own)
}

/** When the newest tokens are known to have been there; 0 where nothing tells. */
function lastCameAt({ retained, storeWrittenAt }: RefreshRecord): number {
  return Math.max(issuedAt(retained), storeWrittenAt ?? 0)
}

/** The heir's own tokens stay, and those before count as used up; what the one before has begun with comes after both. */
function keeping(own: RefreshRecord, before: RefreshRecord, { adapted, inheritance }: Adapted): RefreshRecord {
  const { retained, spent } = before
  const all = retained === undefined ? spent : [...spent, retained.fingerprint]
  return beside(own, { spent: all }, { left: [...(own.left ?? []), ...intentsOf(adapted)], inheritance })
}

function issuedAt(retained: RetainedTokens | undefined): number {
  return retained?.tokens?.accessToken?.issuedAt ?? 0
}

function startsOf(record: RefreshRecord): readonly number[] {
  return intentsOf(record).map(({ startedAt }) => startedAt)
}

/** As where one credential goes on with another login: all of the one before is used up, and above all what the store shows. */
function replacing(own: RefreshRecord, before: RefreshRecord, { fingerprint }: Inheritance): RefreshRecord {
  const { retained, spent } = before
  const open = intentsOf(before).map((intent) => intent.fingerprint)
  const all = new Set([...spent, ...(retained === undefined ? [] : [retained.fingerprint]), ...open])
  return withUsedUpBefore(own, { spent: [...all] }, { newest: own.retained, shown: fingerprint })
}

interface Beside {
  readonly left: readonly RefreshIntent[]
  readonly inheritance: Inheritance
}

/** The token of the store is used as one that nobody knows, and until it has a successor the heir keeps its own. */
function beside(
  own: RefreshRecord,
  before: Pick<RefreshRecord, 'spent'>,
  { left, inheritance }: Beside,
): RefreshRecord {
  const { fingerprint: shown } = inheritance
  return { ...withUsedUpBefore(own, before, { newest: own.retained, shown }), ...(left.length > 0 && { left }) }
}

/** The login is the predecessor's alone: its record goes on, under another name. */
function succeeding(own: RefreshRecord, before: RefreshRecord): RefreshRecord {
  const { left: _settled, ...rest } = before
  const open = [...intentsOf(own), ...(before.left ?? [])]
  const kept = own.kept && { kept: own.kept }
  return {
    ...rest,
    epoch: Math.max(own.epoch, before.epoch),
    generation: Math.max(own.generation, before.generation),
    spent: withSpent({ ...before, ...kept, spent: own.spent }, before.spent, before.retained?.fingerprint),
    ...kept,
    ...(open.length > 0 && { left: open }),
  }
}

/** Both have used it, one after the other: the newest tokens are those that neither knows to be used up. */
function joined(own: RefreshRecord, before: RefreshRecord, { fingerprint: shown }: Inheritance): RefreshRecord {
  const retained = newestOf(own, before)
  const isUnknown = ({ fingerprint }: RefreshIntent): boolean =>
    intentOn(own, fingerprint) === undefined && !own.spent.includes(fingerprint)
  const unknown = intentsOf(before).filter(isUnknown)
  const open = [...unknown, ...(own.left ?? [])]
  // Of what came after it nothing may be at hand: it is used up all the same.
  const newest = before.spent.includes(retained?.fingerprint ?? '') ? undefined : retained
  return {
    ...withUsedUpBefore(own, before, { newest, shown }),
    generation: Math.max(own.generation, before.generation),
    ...(retained && { retained }),
    // A token goes to the server that issued it.
    ...(retained === before.retained && before.origin !== undefined && { origin: before.origin }),
    ...(open.length > 0 && { left: open }),
  }
}

export interface UsedUp {
  readonly newest: RetainedTokens | undefined
  /** Fingerprint of the token in the store: however many there are, that one is not forgotten. */
  readonly shown: string
}

/** A record that knows of another one's used-up tokens, too. */
export function withUsedUpBefore(
  own: RefreshRecord,
  before: Pick<RefreshRecord, 'spent'>,
  { newest, shown }: UsedUp,
): RefreshRecord {
  const stored = [...(own.stored ?? []), shown]
  return { ...own, spent: withSpent({ ...own, stored, spent: before.spent }, own.spent, newest?.fingerprint) }
}

function newestOf(own: RefreshRecord, before: RefreshRecord): RetainedTokens | undefined {
  const { retained: kept, spent } = own
  const other = before.retained
  if (other === undefined || spent.includes(other.fingerprint)) return kept
  // One may be sealed with the key of a document that was lost, and the other with the operator's own.
  if (other.fingerprint === kept?.fingerprint) return kept.tokens === undefined ? other : kept
  const isReplaced = kept === undefined || before.spent.includes(kept.fingerprint)
  return isReplaced || isAnswered(own, before) ? other : kept
}

/** True when the one before has had the answer to what the heir has begun with, which comes after all that the heir has. */
function isAnswered(own: RefreshRecord, { spent }: RefreshRecord): boolean {
  return intentsOf(own).some(({ fingerprint }) => spent.includes(fingerprint))
}

function adaptedTo(own: RefreshRecord, before: RefreshRecord, { source, isProven }: Inheritance): RefreshRecord {
  const { intent, left, retained, refused: _mended, ...rest } = before
  const isElsewhere = before.origin !== undefined && own.origin !== undefined && own.origin !== before.origin
  const sent = isElsewhere ? { origin: before.origin } : {}
  const adapt = ({ holder: _over, ...open }: RefreshIntent): RefreshIntent => ({ ...sent, ...open, source })
  const subject: { uid: string; credential: CredentialKey; version: string } = own
  return {
    ...rest,
    generation: generationOf(before),
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
