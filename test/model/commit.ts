import { readDocument, replaceDocument, settle, spend, touchRecord } from './process.ts'
import { publish } from './publishing.ts'
import type { Settings } from './settings.ts'
import { suffer, type Turn } from './turn.ts'
import {
  claimOf,
  currentDocument,
  documentOf,
  holders,
  isOurs,
  isSpent,
  type RefreshRecord,
  type Replica,
  replicaOf,
  tokenOf,
  type World,
} from './world.ts'

/** Steps 6 to 8: record and store in any order, publish after the first of them, settle after all. */
export function commitSteps(turn: Turn, i: number): void {
  const r = replicaOf(turn.now, i)
  const { durableBeforePublish, durableBeforeSettle } = turn.settings.guards
  if (r.recordDone === 0) commitRecord(turn, i)
  if (r.storeDone === 0) commitStore(turn, i)
  if (r.published === 0 && (isDurable(r) || !durableBeforePublish)) publishOwn(turn, i)
  if (isThrough(r) || !durableBeforeSettle) {
    turn.take(i, 'clears its journal', (next) => settle(replicaOf(next, i)))
  }
}

function isDurable({ recordDone, storeDone }: Replica): boolean {
  return recordDone === 1 || storeDone === 1
}

function isThrough({ recordDone, storeDone, published }: Replica): boolean {
  return recordDone === 1 && storeDone !== 0 && published === 1
}

function commitRecord(turn: Turn, i: number): void {
  if (turn.now.around.recordsUp === 0) return
  const done = (next: World): void => {
    replicaOf(next, i).recordDone = 1
  }
  turn.take(i, 'commits the new refresh token into the record', (next) => {
    mergeIntoRecord(next, turn.settings, i)
    done(next)
  })
  const words = 'commits into the record, and gets no answer from the API server'
  const believe = turn.settings.guards.recordReadBack ? (): void => undefined : done
  suffer(turn, 'recordWriteUnknown', {
    actor: i,
    words: `${words} (written)`,
    change: (next) => {
      mergeIntoRecord(next, turn.settings, i)
      believe(next)
    },
  })
  suffer(turn, 'recordWriteUnknown', { actor: i, words: `${words} (not written)`, change: believe })
}

/** A conflict is read again and merged until it succeeds, so all of it is one step here. */
function mergeIntoRecord(next: World, settings: Settings, i: number): void {
  const { record } = next
  const r = replicaOf(next, i)
  // The number of a token stands for the generation: the epoch of the intent that it was issued for.
  const replaced = !settings.guards.recordMerged || record.retained < r.answer
  spend(record, settings, r.base)
  if (replaced && !isSpent(record, r.answer)) retain(record, settings, r.answer, claimOf(r.document))
  if (record.intent === r.base) {
    record.intent = 0
    record.holder = holders.nobody
    record.age = 0
    record.sends = 0
  }
  touchRecord(next, -1)
}

function retain(record: RefreshRecord, settings: Settings, answer: number, claim: number): void {
  const replaced = record.retained
  if (replaced !== 0 && replaced !== answer && settings.guards.voidedRemembered) spend(record, settings, replaced)
  record.retained = answer
  record.sealedBy = claim
}

function commitStore(turn: Turn, i: number): void {
  const { now, settings } = turn
  if (settings.paced === true) {
    return turn.take(i, 'leaves the store for later', (next) => (replicaOf(next, i).storeDone = 2))
  }
  if (now.store.up === 0) return
  const { conflicted, recordDone } = replicaOf(now, i)
  if (conflicted === 1) {
    if (recordDone === 1 || !settings.guards.overtakenNotWritten) readAgain(turn, i)
    return
  }
  turn.take(i, 'writes the new refresh token into the store', (next) => writeStore(next, settings, i))
  const words = 'writes into the store, and gets no answer'
  const believe = settings.guards.storeReadBack
    ? (): void => undefined
    : (next: World): void => {
        replicaOf(next, i).storeDone = 1
      }
  suffer(turn, 'storeWriteUnknown', {
    actor: i,
    words: `${words} (written)`,
    change: (next) => {
      writeStore(next, settings, i)
      replicaOf(next, i).storeDone = 0
      believe(next)
    },
  })
  suffer(turn, 'storeWriteUnknown', { actor: i, words: `${words} (not written)`, change: believe })
}

function writeStore(next: World, settings: Settings, i: number): void {
  const r = replicaOf(next, i)
  const claim = claimOf(settings.guards.storeComparesVersion ? r.document : currentDocument(next))
  if (replaceDocument(next, i, documentOf(r.answer, claim, true), settings.guards)) {
    r.storeDone = 1
    if (settings.guards.retainedKept) return
    next.record.retained = 0
    touchRecord(next, -1)
  } else r.conflicted = 1
}

function readAgain(turn: Turn, i: number): void {
  turn.take(i, 'reads the store document again', (next) => {
    const r = replicaOf(next, i)
    readDocument(next, r, next.store.count - 1)
    r.conflicted = 0
    const token = tokenOf(r.document)
    if (token === r.answer) r.storeDone = 1
    else if (!isReplaceable(next, turn.settings, i)) r.storeDone = 2
  })
}

/** Whether what stands in the document is known to be spent. What is not known, a human put there. */
function isReplaceable({ record, replicas }: World, { guards }: Settings, i: number): boolean {
  const r = replicas[i]
  if (r === undefined || tokenOf(r.document) === 0) return false
  if (guards.overtakenNotWritten && record.retained !== r.answer) return false
  const token = tokenOf(r.document)
  if (!guards.humanWins || token === r.base || isSpent(record, token)) return true
  return guards.generationCompared && isOurs(r.document) && token < r.answer
}

function publishOwn(turn: Turn, i: number): void {
  turn.take(i, 'publishes the access token', (next) => {
    const r = replicaOf(next, i)
    r.published = 1
    publish(next, r.answer, turn.settings.guards)
  })
}
