import { guardsWithout } from './guards.ts'
import type { Fault, Leeway, Settings } from './settings.ts'

type Faults = { readonly [fault in Fault]?: number }
type Rest = Partial<Omit<Settings, 'name' | 'faults' | 'guards'>>

/** The protocol with all its guards, in a scope of two replicas and two refreshes unless `rest` says otherwise. */
export function scope(name: string, faults: Faults, rest: Rest = {}): Settings {
  return { name, replicas: 2, leeway: 'None', refreshes: 2, faults, guards: guardsWithout(), ...rest }
}

const leeways: readonly Leeway[] = ['None', 'SameToken', 'PreviousGeneration']

/** Explored to their ends in seconds, with every test run. */
export const smallScopes: readonly Settings[] = [
  ...leeways.map((leeway) => scope(`answers lost, leeway ${leeway}`, { crash: 1, lostAnswer: 1 }, { leeway })),
  scope('damaged answers', { truncatedAnswer: 1, podLoss: 1 }, { refreshes: 1 }),
  scope('writes unknown', { recordWriteUnknown: 1, storeWriteUnknown: 1, podLoss: 1 }, { refreshes: 1 }),
  scope('outages', { storeDown: 1, recordsDown: 1, crash: 1 }, { refreshes: 1 }),
  scope('journals lost', { crash: 1, journalLoss: 1, podLoss: 1 }, { refreshes: 1 }),
  scope('paused, Pod deleted by force', { pause: 1, podFalselyGone: 1 }),
  scope('store rolled back', { rollback: 1 }),
  scope('store rolled back behind the spent ring', { rollback: 1 }, { refreshes: 3, spentLimit: 1, replicas: 1 }),
  scope('records restored', { restore: 1 }, { refreshes: 1 }),
  scope('a human logs in', { humanLogin: 1, crash: 1 }, { refreshes: 1 }),
  scope('a human edits the document', { humanEdit: 1, podLoss: 1 }, { refreshes: 1 }),
  scope('a human logs in, stale reads', { humanLogin: 1 }, { staleReads: true }),
  scope('another cluster', { otherCluster: 1, humanLogin: 1 }, { unclaimed: true }),
  scope('another cluster takes over', { otherClusterTakesOver: 1, crash: 1 }),
  scope('store written later', { crash: 1, podLoss: 1 }, { paced: true }),
]

/** Together more than ten million states. */
export const bigScopes: readonly Settings[] = [
  ...leeways.map((leeway) =>
    scope(
      `three replicas, leeway ${leeway}`,
      { crash: 1, podLoss: 1, lostAnswer: 1 },
      { replicas: 3, refreshes: 1, leeway },
    ),
  ),
  scope('processes, answers and writes', { crash: 1, podLoss: 1, lostAnswer: 1, recordWriteUnknown: 1 }),
  scope('store and API server', { crash: 1, storeWriteUnknown: 1, truncatedAnswer: 1, storeDown: 1, recordsDown: 1 }),
  scope('three replicas, pauses', { pause: 1, podFalselyGone: 1, crash: 1 }, { replicas: 3, refreshes: 1 }),
  scope('journals', { crash: 2, journalLoss: 1, podLoss: 1, lostAnswer: 1 }, { refreshes: 1 }),
  scope('humans', { humanLogin: 1, humanDelete: 1, crash: 1, podLoss: 1 }, { unclaimed: true, refreshes: 1 }),
  scope('humans that edit', { humanEdit: 1, humanLogin: 1, podLoss: 1 }),
  scope('humans and rollbacks', { humanLogin: 1, rollback: 1, crash: 1 }, { refreshes: 1 }),
  scope('humans and restores', { humanLogin: 1, restore: 1, crash: 1 }, { staleReads: true, refreshes: 1 }),
  scope('humans and stale reads', { humanLogin: 1, rollback: 1 }, { staleReads: true }),
  scope('rollbacks', { rollback: 2, podLoss: 1 }, { spentLimit: 1 }),
  scope('restores', { restore: 1, rollback: 1, podLoss: 1 }, { refreshes: 1 }),
  scope('clusters', { otherCluster: 1, otherClusterTakesOver: 1, humanLogin: 1, crash: 1 }, { unclaimed: true }),
  scope('store written later', { crash: 1, podLoss: 1, restore: 1 }, { paced: true }),
]

/** With {@link livenessScopes}: these take longer. */
export const bigLivenessScopes: readonly Settings[] = [
  scope('Pod and journal lost', { crash: 1, journalLoss: 1, podLoss: 1 }, { refreshes: 1 }),
  scope('crash, two refreshes', { crash: 1, lostAnswer: 1 }),
  scope('rollback, two refreshes', { rollback: 1 }),
  scope('restore and crash', { restore: 1, crash: 1 }, { refreshes: 1 }),
  scope('a human and a crash', { humanLogin: 1, crash: 1 }, { refreshes: 1 }),
]

/** Small enough to look at every way on from every state. */
export const livenessScopes: readonly Settings[] = [
  scope('crash', { crash: 1 }, { refreshes: 1 }),
  scope('answer lost', { lostAnswer: 1 }, { refreshes: 1 }),
  scope('Pod lost', { podLoss: 1 }, { refreshes: 1 }),
  scope('journal lost', { crash: 1, journalLoss: 1 }, { refreshes: 1 }),
  scope('outages', { storeDown: 1, recordsDown: 1 }, { refreshes: 1 }),
  scope('writes unknown', { recordWriteUnknown: 1, storeWriteUnknown: 1 }, { refreshes: 1 }),
  scope('a human', { humanLogin: 1, humanDelete: 1 }, { refreshes: 1 }),
  scope('rollback', { rollback: 1 }, { refreshes: 1 }),
  scope('restore', { restore: 1 }, { refreshes: 1 }),
  scope('leeway SameToken', { lostAnswer: 2 }, { refreshes: 1, leeway: 'SameToken' }),
  scope('leeway PreviousGeneration', { lostAnswer: 2 }, { refreshes: 1, leeway: 'PreviousGeneration' }),
  scope('another cluster', { otherCluster: 1 }, { refreshes: 1, unclaimed: true }),
  scope('store written later', { podLoss: 1 }, { refreshes: 1, paced: true }),
]
