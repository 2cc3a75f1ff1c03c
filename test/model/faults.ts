import { abandonFlight, appendDocument, touchRecord } from './process.ts'
import { newestShared } from './properties.ts'
import { actors, suffer, type Turn } from './turn.ts'
import {
  at,
  claimOf,
  claims,
  currentDocument,
  documentOf,
  emptyReplica,
  historyLimit,
  holders,
  replicaOf,
  tokenOf,
  type World,
} from './world.ts'

/** Everything that only happens a number of times, apart from what the steps themselves may suffer. */
export function faultsOf(turn: Turn): void {
  for (let i = 0; i < turn.now.replicas.length; i++) processFaults(turn, i)
  outages(turn)
  disasters(turn)
  humans(turn)
}

function processFaults(turn: Turn, i: number): void {
  const r = replicaOf(turn.now, i)
  const running = r.at !== at.down
  const idle = r.at === at.idle && r.journal === 0
  if (running && !idle) suffer(turn, 'crash', { actor: i, words: 'is killed', change: (next) => crash(next, i) })
  if (!idle)
    suffer(turn, 'podLoss', {
      actor: i,
      words: 'loses its Pod, and its journal with it',
      change: (next) => losePod(next, i),
    })
  if (!running && r.journal !== 0) {
    suffer(turn, 'journalLoss', {
      actor: i,
      words: 'loses its journal while its Pod lives',
      change: (next) => loseJournal(next, i),
    })
  }
  if (running && turn.now.record.holder === i + 1 && r.zombie === 0) {
    const change = (next: World): void => {
      replicaOf(next, i).zombie = 1
      // Whoever waited for this Pod has waited long enough, and it has not committed: nothing else holds it back.
      if (next.record.age === 1) next.around.overrun = 1
    }
    suffer(turn, 'podFalselyGone', { actor: i, words: 'has its Pod deleted by force, and runs on', change })
  }
}

/** The journal has the version that was judged, not one that was read later: no compare-and-set on that one succeeds any more. */
const nowhere = historyLimit

/** Memory is gone, the journal is not. */
function crash(next: World, i: number): void {
  const r = replicaOf(next, i)
  next.marks.window = r.at === at.answered ? 2 : r.at === at.wait ? 1 : 0
  const { journal, document, version, base, answer, zombie } = r
  if (r.late === 1) next.around.overrun = 1
  abandonFlight(r)
  const { orphan, orphanLate } = r
  Object.assign(r, emptyReplica(), { at: at.down, orphan, orphanLate })
  if (journal !== 0)
    Object.assign(r, { journal, document, version: tokenOf(document) === base ? version : nowhere, base })
  if (journal === 3) r.answer = answer
  if (zombie === 0) return
  if (journal === 3) next.marks.window = 3
  forgetJournal(next, i, holders.gone)
}

function losePod(next: World, i: number): void {
  const { journal } = replicaOf(next, i)
  crash(next, i)
  if (journal === 3) next.marks.window = 3
  forgetJournal(next, i, holders.gone)
  replicaOf(next, i).at = at.start
}

function loseJournal(next: World, i: number): void {
  next.marks.window = 3
  forgetJournal(next, i, holders.earlierJournalOf + i + 1)
}

function forgetJournal(next: World, i: number, holder: number): void {
  const r = replicaOf(next, i)
  Object.assign(r, { journal: 0, document: 0, version: 0, base: 0, answer: 0 })
  for (const record of [next.record, next.backup]) {
    const isIts = record.holder === i + 1 || record.holder === holders.earlierJournalOf + i + 1
    if (isIts && record.holder !== holder) record.holder = holder
  }
}

function outages(turn: Turn): void {
  const { store, around } = turn.now
  if (store.up === 0) turn.take(actors.disaster, 'the store answers again', (next) => void (next.store.up = 1))
  else
    suffer(turn, 'storeDown', {
      actor: actors.disaster,
      words: 'the store does not answer',
      change: (next) => void (next.store.up = 0),
    })
  if (around.recordsUp === 0)
    turn.take(actors.disaster, 'the API server answers again', (next) => void (next.around.recordsUp = 1))
  else
    suffer(turn, 'recordsDown', {
      actor: actors.disaster,
      words: 'the API server does not answer',
      change: (next) => void (next.around.recordsUp = 0),
    })
}

function disasters(turn: Turn): void {
  const { now } = turn
  const { count } = now.store
  for (let version = 0; version < count - 1; version++) {
    const change = (next: World): void => rollBack(next, version)
    suffer(turn, 'rollback', {
      actor: actors.disaster,
      words: `the store is rolled back to its version ${version + 1}`,
      change,
    })
    const again = (next: World): void => putBack(next, version)
    suffer(turn, 'rollback', {
      actor: actors.disaster,
      words: `the store's version ${version + 1} is put back as a new version`,
      change: again,
    })
  }
  restores(turn)
}

function rollBack(next: World, version: number): void {
  watchShared(next, () => {
    next.store.documents.fill(0, version + 1)
    next.store.count = version + 1
  })
}

function putBack(next: World, version: number): void {
  watchShared(next, () => appendDocument(next, next.store.documents[version] ?? 0))
}

/** W5 opens when the newest shared copy is gone, or cannot be opened any more. */
function watchShared(next: World, change: () => void): void {
  const before = [newestShared(next, 0), newestShared(next, 1)]
  change()
  const less = before.some((token, login) => newestShared(next, login) < token)
  if (less) next.around.rolledBack = 1
}

function restores(turn: Turn): void {
  const { now, settings } = turn
  if (settings.faults.restore === undefined || now.around.leader !== 0) return
  if (now.around.backupTaken === 0) {
    turn.take(actors.disaster, 'a backup of the records is taken', (next) => {
      Object.assign(next.backup, next.record)
      next.around.backupTaken = 1
    })
  }
  suffer(turn, 'restore', {
    actor: actors.disaster,
    words: 'the records are restored from the backup',
    change: restore,
  })
}

/** An intent that is forgotten or comes back leaves nothing shared to tell what is under way. */
function restore(next: World): void {
  const { intent, holder } = next.record
  watchShared(next, () => Object.assign(next.record, next.backup))
  if (intent !== 0 && (next.record.intent !== intent || next.record.holder !== holder)) next.around.rolledBack = 1
  if (next.record.intent !== 0) next.record.age = 1
  touchRecord(next, -1)
}

function humans(turn: Turn): void {
  const claim = claimOf(currentDocument(turn.now))
  logIn(turn, claim, 'a human logs in and puts the new refresh token into the document')
  if (turn.settings.unclaimed === true) logIn(turn, claims.none, 'a human logs in and replaces the whole document')
  suffer(turn, 'humanEdit', {
    actor: actors.human,
    words: 'a human replaces the document by one of their own with the same refresh token',
    // The sealing key was in the document: what only the record has cannot be opened any more.
    change: (next) =>
      watchShared(next, () => appendDocument(next, documentOf(tokenOf(currentDocument(next)), claims.none, false))),
  })
  suffer(turn, 'humanDelete', {
    actor: actors.human,
    words: 'a human deletes the document',
    change: (next) => {
      next.server.abandoned.fill(1)
      appendDocument(next, documentOf(0, claims.none, false))
    },
  })
}

function logIn(turn: Turn, claim: number, words: string): void {
  if (turn.now.server.newest[1] !== 0) return
  suffer(turn, 'humanLogin', {
    actor: actors.human,
    words,
    change: (next) => {
      next.server.newest[1] = 9
      next.server.abandoned[0] = 1
      next.server.abandoned[1] = 0
      appendDocument(next, documentOf(9, claim, false))
    },
  })
}
