import { isSameSource, type RefreshTokenSource } from './credential.ts'
import type { KeptTokens, RefreshRecord, RetainedTokens } from './refresh-record.ts'
import { storedLimit } from './spent-tokens.ts'

// A record keeps the newest tokens of every place where its credential was. It faces one of them: that of `retained`.

const keptLimit = 8

/**
 * The record as it is for whoever has to do with one place: the newest tokens of that are the retained ones, if there are
 * any, and those of all others are kept. The same record where it faces that place already. It is stored with the key of the
 * document there, so nobody writes one that faces another place. Pure.
 */
export function facing(record: RefreshRecord, source: RefreshTokenSource): RefreshRecord {
  const { retained, kept = [] } = record
  if (retained !== undefined && isSameSource(retained.source, source)) return record
  const here = kept.findLast((one) => isSameSource(one.source, source))
  if (retained === undefined && here === undefined)
    return isBegunElsewhere(record, source) ? withoutPlace(record) : record
  const others = kept.filter((one) => one !== here)
  const left = retained === undefined ? others : withRoom([...others, leftWith(record, retained)])
  const { kept: _before, ...rest } = withoutPlace(record)
  return { ...rest, ...(here && turnedTo(here)), ...(left.length > 0 && { kept: left }) }
}

/** What is in its store goes first, and of that the oldest. */
function withRoom(kept: readonly KeptTokens[]): readonly KeptTokens[] {
  if (kept.length <= keptLimit) return kept
  const dropped = kept.find(({ isHome }) => isHome) ?? kept[0]
  return kept.filter((one) => one !== dropped)
}

/** The record with a note that the store of a place that was left has its newest tokens, or is to have other ones. */
export function withHome(record: RefreshRecord, fingerprint: string): RefreshRecord {
  const { kept } = record
  if (kept === undefined) return record
  return { ...record, kept: kept.map((one) => (one.fingerprint === fingerprint ? { ...one, isHome: true } : one)) }
}

/** What is known of a place that has no tokens yet belongs to where one is presented, and to no other. */
function isBegunElsewhere({ intent }: RefreshRecord, source: RefreshTokenSource): boolean {
  return intent !== undefined && !isSameSource(intent.source, source)
}

function withoutPlace(record: RefreshRecord): RefreshRecord {
  const { retained: _left, origin: _there, storeWrittenAt: _then, stored: _what, ...rest } = record
  return rest
}

function leftWith(record: RefreshRecord, retained: RetainedTokens): KeptTokens {
  const { origin, storeWrittenAt, spent, stored = spent.slice(-storedLimit) } = record
  const used = stored.filter((one) => spent.includes(one))
  return {
    ...retained,
    generation: generationOf(record),
    ...(origin !== undefined && { origin }),
    ...(storeWrittenAt !== undefined && { storeWrittenAt }),
    ...(used.length > 0 && { stored: used }),
  }
}

/** What they are sealed with is not where the retained tokens are: they are sealed anew, unless nobody has opened them. */
function turnedTo(here: KeptTokens): Pick<RefreshRecord, 'retained' | 'origin' | 'storeWrittenAt' | 'stored'> {
  const { fingerprint, source, generation, tokens, sealed, sealedWith: _elsewhere, isHome: _then, ...place } = here
  const content = tokens === undefined ? sealed !== undefined && { sealed } : { tokens }
  const number = generation !== undefined && { generation }
  return { ...place, retained: { fingerprint, source, ...number, ...content } }
}

/** The number of the newest token at the place that the record faces. */
export function generationOf({ retained, generation }: Pick<RefreshRecord, 'retained' | 'generation'>): number {
  return retained?.generation ?? generation
}

/** The record without what it keeps of a refresh token that was replaced, or belongs to the place that it faces by now. */
export function withoutKept(record: RefreshRecord, fingerprints: readonly string[]): RefreshRecord {
  const { kept = [], ...rest } = record
  const left = kept.filter(({ fingerprint }) => !fingerprints.includes(fingerprint))
  if (left.length === kept.length) return record
  return left.length === 0 ? rest : { ...rest, kept: left }
}
