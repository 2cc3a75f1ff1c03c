import { isSameSource, type RefreshTokenSource } from './credential.ts'
import type { KeptTokens, RefreshRecord, RetainedTokens } from './refresh-record.ts'
import { storedLimit } from './spent-tokens.ts'

// A record keeps the newest tokens of every place where its credential was. It faces one of them: that of `retained`.

const keptLimit = 4

/**
 * The record as it is for whoever has to do with one place: the newest tokens of that are the retained ones, if there are
 * any, and those of all others are kept. The same record where it faces that place already. It is stored with the key of the
 * document there, so nobody writes one that faces another place. Pure.
 */
export function facing(record: RefreshRecord, source: RefreshTokenSource): RefreshRecord {
  const { retained, kept = [] } = record
  if (retained !== undefined && isSameSource(retained.source, source)) return record
  const here = kept.findLast((one) => isSameSource(one.source, source))
  if (retained === undefined && here === undefined) return record
  const others = kept.filter((one) => one !== here)
  // The oldest goes first, whose store has had most time to get it.
  const left = retained === undefined ? others : [...others, leftWith(record, retained)].slice(-keptLimit)
  return { ...withoutPlace(record), ...(here && turnedTo(here)), ...(left.length > 0 && { kept: left }) }
}

function withoutPlace(record: RefreshRecord): RefreshRecord {
  const { retained: _left, kept: _others, origin: _there, storeWrittenAt: _then, stored: _what, ...rest } = record
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
  const { fingerprint, source, generation, tokens, sealed, sealedWith: _elsewhere, ...place } = here
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
