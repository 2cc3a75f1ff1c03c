import type { JournalEntry } from './journal-entry.ts'
import type { Provider } from './provider.ts'
import {
  intentOn,
  intentsInTheWay,
  type RecordHolder,
  type RefreshIntent,
  type RefreshRecord,
} from './refresh-record.ts'
import { sameSecret, type Sensitive } from './sensitive.ts'
import type { EpochSeconds } from './time.ts'

/** Sends of a refresh token whose answers were lost. */
export interface EarlierSends {
  readonly sends: number
  /** When the first of them began. */
  readonly startedAt: EpochSeconds
}

/** How an intent that stands in a record is to be taken. */
export type IntentStanding =
  /** Nobody presents this token. */
  | { readonly kind: 'none' }
  | { readonly kind: 'uncertain'; readonly earlier: EarlierSends }
  /** Another process may still present it, or hold the answer. */
  | { readonly kind: 'held'; readonly holder: RecordHolder }

/** What tells how a record's intent stands. */
export interface IntentWitness {
  readonly self: RecordHolder
  /** What the own journal knows of this token. */
  readonly journal: JournalEntry | undefined
  /** The journals of all in the way are gone for certain, and it has been long enough that nothing of them can be on the wire. */
  readonly holdersAreOver: boolean
}

/** How the intent of a record stands for the token with this fingerprint. */
export function intentStanding(
  record: Pick<RefreshRecord, 'intent' | 'left'>,
  fingerprint: string,
  witness: IntentWitness,
): IntentStanding {
  const intent = intentOn(record, fingerprint)
  if (intent === undefined) return { kind: 'none' }
  const { journalId } = witness.self
  const latest = intentsInTheWay(record, fingerprint, journalId).at(-1)
  if (latest !== undefined && !witness.holdersAreOver) return { kind: 'held', holder: latest.holder }
  return intent.holder?.journalId === journalId
    ? ownStanding(intent, witness.journal)
    : { kind: 'uncertain', earlier: earlierOf(intent) }
}

/**
 * The journal knows of every intent before the record does, and forgets none that the record may have before
 * another token is presented. So an intent that it does not know was left for another token, or comes from a
 * record that was restored, and may have been carried out.
 */
function ownStanding(intent: RefreshIntent, journal: JournalEntry | undefined): IntentStanding {
  if (journal?.phase === 'sent') return { kind: 'uncertain', earlier: journal }
  if (journal?.phase !== 'armed') return { kind: 'uncertain', earlier: earlierOf(intent) }
  const { sends, startedAt } = intent
  return sends > 1 ? { kind: 'uncertain', earlier: { sends: sends - 1, startedAt } } : { kind: 'none' }
}

function earlierOf({ sends, startedAt }: RefreshIntent): EarlierSends {
  return { sends, startedAt }
}

/** What the own journal knows of lost answers to this very token. */
export function journaledSends(journal: JournalEntry | undefined, refreshToken: Sensitive): EarlierSends | undefined {
  if (journal === undefined || journal.phase === 'answered' || !sameSecret(journal.refreshToken, refreshToken)) {
    return undefined
  }
  const { phase, sends, startedAt } = journal
  const lost = phase === 'sent' ? sends : sends - 1
  return lost > 0 ? { sends: lost, startedAt } : undefined
}

/** Seconds that a lost answer can still be had by another send; undefined when the server grants none, or no more. */
export function leewaySeconds(
  { rotation }: Provider,
  { sends, startedAt }: EarlierSends,
  at: EpochSeconds,
): number | undefined {
  const { reuseLeewaySeconds, leewayKind } = rotation
  if (leewayKind === 'PreviousGeneration' && sends > 1) return undefined
  return at < startedAt + reuseLeewaySeconds ? reuseLeewaySeconds : undefined
}
