import type { Guards } from './guards.ts'
import { checkOverwrite } from './properties.ts'
import type { Settings } from './settings.ts'
import {
  at,
  currentDocument,
  historyLimit,
  type RefreshRecord,
  type Replica,
  replicaOf,
  tokenOf,
  type World,
} from './world.ts'

/** Back to nothing in memory or journal; what is still on the wire stays there. */
export function settle(r: Replica): void {
  r.journal = 0
  r.late = 0
  rest(r)
}

/** Ends an attempt that left nothing in the journal. */
export function rest(r: Replica): void {
  r.at = at.idle
  r.document = 0
  r.version = 0
  r.base = 0
  r.answer = 0
  r.recordFresh = 0
  r.recordDone = 0
  r.storeDone = 0
  r.published = 0
  r.conflicted = 0
  r.expired = 0
}

/** The record has another version now; only `by` knows it. */
export function touchRecord(next: World, by: number): void {
  for (let i = 0; i < next.replicas.length; i++)
    replicaOf(next, i).recordFresh = i === by && replicaOf(next, i).at === at.arm ? 1 : 0
}

export function appendDocument(next: World, document: number): void {
  if (next.store.count === historyLimit) {
    next.marks.beyond = true
    return
  }
  next.store.documents[next.store.count] = document
  next.store.count++
}

/** Compare-and-set, as far as the guards make it one. */
export function replaceDocument(next: World, i: number, document: number, guards: Guards): boolean {
  const r = replicaOf(next, i)
  if (guards.storeComparesVersion && !isSameDocument(next, r, guards)) return false
  checkOverwrite(next, tokenOf(currentDocument(next)), tokenOf(document))
  appendDocument(next, document)
  return true
}

export function isSameDocument(next: World, r: Replica, guards: Guards): boolean {
  if (r.version !== next.store.count - 1) return false
  return !guards.storeVersionsUnique || r.document === currentDocument(next)
}

export function readDocument(next: World, r: Replica, version: number): void {
  r.version = version
  r.document = next.store.documents[version] ?? 0
}

export function abandonFlight(r: Replica): void {
  if (r.flight === 1 && r.orphan === 0) {
    r.orphan = r.base
    r.orphanLate = r.late
  }
  r.flight = 0
  r.reply = 0
}

export function spend(record: RefreshRecord, settings: Settings, token: number): void {
  record.spent |= 1 << token
  for (let count = bits(record.spent); count > (settings.spentLimit ?? 16); count--) record.spent &= record.spent - 1
}

function bits(mask: number): number {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++
  return count
}

/** Where a process goes on with what its journal holds. */
export function resume(next: World, i: number): void {
  const r = replicaOf(next, i)
  r.at = r.journal === 3 ? at.commit : r.journal === 2 ? at.unanswered : at.disarm
}
