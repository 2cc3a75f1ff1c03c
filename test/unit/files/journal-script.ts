import type { JournalEntry, RefreshJournal } from '../../../src/ports/refresh-journal.ts'
import { ok, type Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { epochSeconds } from '../../../src/domain/time.ts'

/** What a journal should hold: a text for each credential, so that two of them compare. */
export type JournalState = ReadonlyMap<string, string>

const credentials = 3

/**
 * The `step`-th call of an endless story of three credentials that are refreshed in turns. The first
 * is never settled for long, so that the file has live entries at every instant.
 */
export function play(journal: RefreshJournal, step: number, token: string): Promise<Result<void>> {
  const { uid, phase, round } = callAt(step)
  if (phase === 'sent') return journal.sent({ phase, ...common(uid, round) })
  if (phase === 'answered') return journal.answered(answeredEntry(uid, round, token))
  if (phase === 'settled') return journal.settled(uid)
  return Promise.resolve(ok(undefined))
}

/** What a journal holds after the first `steps` calls. */
export function stateAfter(steps: number, token: string): JournalState {
  const state = new Map<string, string>()
  for (let step = 0; step < steps; step += 1) {
    const { uid, phase, round } = callAt(step)
    if (phase === 'settled') state.delete(uid)
    else if (phase === 'sent') state.set(uid, entryText({ phase, ...common(uid, round) }))
    else if (phase === 'answered') state.set(uid, entryText(answeredEntry(uid, round, token)))
  }
  return state
}

/** What an open journal holds. */
export function stateOf(journal: RefreshJournal): JournalState {
  const state = new Map<string, string>()
  for (let index = 0; index < credentials; index += 1) {
    const entry = journal.pending(uidAt(index))
    if (entry !== undefined) state.set(entry.uid, entryText(entry))
  }
  return state
}

export function entryText(entry: JournalEntry): string {
  const answer = entry.phase === 'answered' ? { ...entry.answer, body: entry.answer.body.reveal() } : {}
  const { store, ...source } = entry.source
  const flat = {
    ...entry,
    ...answer,
    answer: undefined,
    ...store,
    ...source,
    source: undefined,
    refreshToken: entry.refreshToken.reveal(),
    sealingKey: entry.sealingKey?.reveal(),
    credential: `${entry.credential.namespace}/${entry.credential.name}`,
  }
  return JSON.stringify(Object.entries(flat).toSorted(([a], [b]) => a.localeCompare(b)))
}

export function answeredEntry(uid: string, round: number, token: string): JournalEntry & { phase: 'answered' } {
  const body = new Sensitive(JSON.stringify({ refresh_token: `${token}-${round}`, text: 'ü\n\u2028'.repeat(20) }))
  const answer = { status: 200, contentType: 'application/json', date: 'now', body, complete: true }
  return { phase: 'answered', ...common(uid, round), answer }
}

function common(uid: string, round: number) {
  return {
    uid,
    credential: { namespace: 'ci', name: uid },
    sealingKey: new Sensitive(`${uid}-key`),
    startedAt: epochSeconds(1_800_000_000.25 + round),
    storeVersion: `v${round}`,
    sends: 1,
    refreshToken: new Sensitive(`${uid}-sent-${round}`),
    source: { store: { kind: 'TokenStore', name: 'vault' }, key: `teams/${uid}`, property: '/refresh_token' },
  } as const
}

function callAt(step: number): { uid: string; phase: 'sent' | 'answered' | 'settled' | 'nothing'; round: number } {
  const index = step % credentials
  const turn = Math.floor(step / credentials)
  const phases = index === 0 ? (['sent', 'answered', 'nothing'] as const) : (['sent', 'answered', 'settled'] as const)
  return { uid: uidAt(index), phase: phases[turn % 3] ?? 'nothing', round: Math.floor(turn / 3) }
}

function uidAt(index: number): string {
  return `uid-${index}`
}
