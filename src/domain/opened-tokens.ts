import type { Observed } from './observed.ts'
import { newestIn, type RefreshRecord, type RetainedTokens } from './refresh-record.ts'
import type { Progress } from './step.ts'

// The tokens of a record are sealed with the key of a document, which people may put back to one with another key. What a
// process has opened before may be the only copy then: it outlives what else is known of the record.

/** All that this process has open of the record, and of the one that somebody else has written since. */
export function openedTokens({ record, opened = [] }: Pick<Observed, 'record' | 'opened'>): readonly RetainedTokens[] {
  return record === undefined ? opened : [...opened, ...newestIn(record).filter(({ tokens }) => tokens !== undefined)]
}

/** Progress once nobody knows what the record says by now. */
export function withoutRecord(progress: Progress): Progress {
  const { record: _outdated, opened: _before, ...rest } = progress
  const opened = openedTokens(progress)
  return opened.length === 0 ? rest : { ...rest, opened }
}

/** Progress once it is known what the record says: what was opened of an earlier one is in there, or used up. */
export function withRecord({ opened: _before, ...progress }: Progress, record: RefreshRecord): Progress {
  return { ...progress, record }
}

/**
 * The record with what is open of the same tokens already. They may be sealed otherwise than they were then, so those of
 * its own place are sealed anew when it is next written. The same record where it has nothing more. Pure.
 */
export function withOpened(read: RefreshRecord, opened: readonly RetainedTokens[] = []): RefreshRecord {
  const isMore = newestIn(read).some((one) => openIn(one, opened) !== undefined)
  if (!isMore) return read
  const { retained, kept } = read
  return {
    ...read,
    ...(retained && { retained: openedHere(retained, opened) }),
    ...(kept && { kept: kept.map((one) => ({ ...one, ...openIn(one, opened) })) }),
  }
}

function openIn(
  { tokens, fingerprint }: RetainedTokens,
  opened: readonly RetainedTokens[],
): Required<Pick<RetainedTokens, 'tokens'>> | undefined {
  const known = opened.findLast((one) => one.fingerprint === fingerprint)?.tokens
  return tokens !== undefined || known === undefined ? undefined : { tokens: known }
}

function openedHere(closed: RetainedTokens, opened: readonly RetainedTokens[]): RetainedTokens {
  const open = openIn(closed, opened)
  if (open === undefined) return closed
  const { sealed: _otherwise, ...rest } = closed
  return { ...rest, ...open }
}
