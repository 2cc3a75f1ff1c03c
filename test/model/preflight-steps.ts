import { judge } from './judgement.ts'
import { readDocument, replaceDocument, rest, resume, touchRecord } from './process.ts'
import { isOpenable } from './properties.ts'
import { publish } from './publishing.ts'
import type { Turn } from './turn.ts'
import {
  at,
  claimOf,
  claims,
  documentOf,
  holders,
  isOurs,
  isSpent,
  type Replica,
  replicaOf,
  tokenOf,
  type World,
} from './world.ts'

export function begin(turn: Turn, i: number): void {
  const { now, settings } = turn
  const { due, leader } = now.around
  if (settings.guards.ownIntentsReviewed) review(turn, i)
  const leads = leader === 0 || leader === i + 1
  if (!leads) return
  if (replicaOf(now, i).journal !== 0) return turn.take(i, 'resolves its journal first', (next) => resume(next, i))
  if (due === 1 && now.store.up === 1) readStore(turn, i, settings.staleReads === true && leader === 0)
}

function readStore(turn: Turn, i: number, stale: boolean): void {
  const latest = turn.now.store.count - 1
  for (let version = latest; version >= (stale ? 0 : latest); version--) {
    const words =
      version === latest ? 'begins: reads the store document' : 'begins: reads an old version of the store document'
    turn.take(i, words, (next) => {
      const r = replicaOf(next, i)
      r.stalled = 0
      readDocument(next, r, version)
      r.at = at.judge
    })
  }
}

/** An intent that a restored record brought back: the journal knows nothing of it, and its result is not known either. */
function review(turn: Turn, i: number): void {
  const { now } = turn
  if (now.record.holder !== i + 1 || replicaOf(now, i).journal !== 0 || now.around.recordsUp === 0) return
  turn.take(i, 'finds an intent of its own that it is not at', (next) => {
    next.record.holder = holders.nobody
    next.record.age = 0
    touchRecord(next, -1)
  })
}

export function readRecord(turn: Turn, i: number): void {
  const { now, settings } = turn
  if (now.around.recordsUp === 0) return
  if (settings.guards.retainedAdopted && isAhead(now, i)) {
    return turn.take(i, 'reads the record and publishes the access token that it retains', (next) => {
      publish(next, next.record.retained, settings.guards)
      rest(replicaOf(next, i))
    })
  }
  turn.take(i, 'reads the record and judges', (next) => judge(next, settings, i))
}

/** The record has the tokens of a refresh that the target does not have yet. */
function isAhead(now: World, i: number): boolean {
  const { retained } = now.record
  return (
    retained > now.around.published && isOpenable(now, replicaOf(now, i).document) && isKnown(now, replicaOf(now, i))
  )
}

/** The document has what the record retains, or what came before it. */
function isKnown({ record }: World, { document }: Replica): boolean {
  const token = tokenOf(document)
  return token === record.retained || isSpent(record, token)
}

export function writeClaim(turn: Turn, i: number): void {
  const { now, settings } = turn
  if (now.store.up === 0) return
  turn.take(i, 'writes its claim into the document', (next) => {
    const r = replicaOf(next, i)
    // What the record does not know as its own gets no generation: it may be of any age.
    const ours = isOurs(r.document) || next.record.retained === 0
    replaceDocument(next, i, documentOf(tokenOf(r.document), nextKey(next), ours), settings.guards)
    rest(r)
  })
}

/** Each claim brings a sealing key of its own. */
function nextKey(next: World): number {
  const used = next.store.documents.map(claimOf).filter((claim) => claim !== claims.other)
  const key = Math.max(next.record.sealedBy === claims.other ? 0 : next.record.sealedBy, ...used) + 1
  if (key > claims.third) next.marks.beyond = true
  return Math.min(key, claims.third)
}

export function rollForward(turn: Turn, i: number): void {
  const { now, settings } = turn
  if (now.store.up === 0) return
  turn.take(i, 'writes the retained refresh token into the store, which is behind', (next) => {
    const r = replicaOf(next, i)
    replaceDocument(next, i, documentOf(r.base, claimOf(r.document), true), settings.guards)
    rest(r)
  })
}
