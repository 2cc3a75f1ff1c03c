import { redeem } from './authorization-server.ts'
import { appendDocument } from './process.ts'
import { checkSend } from './properties.ts'
import { actors, suffer, type Turn } from './turn.ts'
import {
  at,
  claimOf,
  claims,
  currentDocument,
  documentOf,
  holders,
  type Replica,
  replicaOf,
  tokenOf,
  type World,
} from './world.ts'

/** What happens by itself: time, requests that nobody waits for, another cluster, the end of faults. */
export function surroundings(turn: Turn): void {
  const { now } = turn
  for (let i = 0; i < now.replicas.length; i++) orphans(turn, i)
  time(turn)
  otherCluster(turn)
  if (turn.settings.faultsStop === true && now.around.leader === 0) {
    for (let i = 0; i < now.replicas.length; i++)
      turn.take(actors.time, `faults stop; replica ${i + 1} leads`, (next) => stopFaults(next, i))
  }
}

function stopFaults(next: World, leader: number): void {
  next.around.leader = leader + 1
  next.around.recordsUp = 1
  next.store.up = 1
}

function orphans(turn: Turn, i: number): void {
  const { orphan, orphanLate } = replicaOf(turn.now, i)
  if (orphan === 0) return
  turn.take(actors.server, 'answers a request that nobody waits for', (next) => {
    next.marks.window = orphanLate === 1 ? 4 : 1
    redeem(next, turn.settings, orphan)
    forget(replicaOf(next, i))
  })
  turn.take(actors.server, 'never gets a request that nobody waits for', (next) => forget(replicaOf(next, i)))
}

function forget(r: Replica): void {
  r.orphan = 0
  r.orphanLate = 0
}

function time(turn: Turn): void {
  const { now } = turn
  const { around, record } = now
  if (around.due === 0 && around.rounds > 0 && around.leader === 0) {
    turn.take(actors.time, 'the access token comes near its end', (next) => {
      next.around.due = 1
      next.around.rounds--
    })
  }
  const waiting = record.holder !== holders.nobody && record.age === 0
  if (!waiting) return
  const words = 'send window and response timeout pass'
  const slow = around.leader === 0 ? isBetween : (r: Replica): boolean => isBetween(r) || isWithinWindow(r)
  if (!now.replicas.some(slow)) return turn.take(actors.time, words, passTime)
  suffer(turn, 'pause', {
    actor: actors.time,
    words: `${words} while processes between fence and commit are paused`,
    change: (next) => {
      for (const r of next.replicas) {
        if (isBetween(r)) r.late = 1
        if (r.orphan !== 0) r.orphanLate = 1
      }
      passTime(next)
    },
  })
}

/** So long takes nothing that a running process does between the fence and the commit. */
function isBetween(r: Replica): boolean {
  if (r.orphan !== 0 || (r.at === at.start && r.journal === 3)) return true
  return (r.at >= at.journalSent && r.at <= at.answered) || (r.at === at.commit && r.recordDone === 0)
}

function isWithinWindow(r: Replica): boolean {
  return r.at === at.armUnknown || r.at === at.fence
}

function passTime(next: World): void {
  if (next.record.holder !== holders.nobody) next.record.age = 1
  for (const r of next.replicas) {
    if (isWithinWindow(r)) r.expired = 1
  }
}

/** It keeps to the same protocol, with records of its own; what it does is one step each. */
function otherCluster(turn: Turn): void {
  const { now } = turn
  const document = currentDocument(now)
  if (now.store.up === 0 || tokenOf(document) === 0 || now.around.leader !== 0) return
  if (claimOf(document) === claims.none) take(turn, 'otherCluster', 'claims the document')
  else if (claimOf(document) !== claims.other) takeOver(turn)
  else if (now.around.rounds > 0) refreshThere(turn, tokenOf(document))
}

function takeOver(turn: Turn): void {
  if (!isDrained(turn.now) && turn.settings.guards.claimTakeoverDrained) return
  take(turn, 'otherClusterTakesOver', 'is told to take the claim over')
}

function refreshThere(turn: Turn, token: number): void {
  turn.take(actors.otherCluster, 'refreshes and writes back', (next) => {
    next.around.rounds--
    checkSend(next, -1, token)
    const answer = redeem(next, turn.settings, token)
    if (answer !== 0) appendDocument(next, documentOf(answer, claims.other, true))
  })
}

function isDrained({ record, store, replicas }: World): boolean {
  const idle = replicas.every((r) => r.at === at.idle && r.journal === 0 && r.orphan === 0)
  return (
    idle &&
    record.intent === 0 &&
    (record.retained === 0 || record.retained === tokenOf(store.documents[store.count - 1] ?? 0))
  )
}

function take(turn: Turn, fault: 'otherCluster' | 'otherClusterTakesOver', words: string): void {
  suffer(turn, fault, {
    actor: actors.otherCluster,
    words,
    change: (next) => {
      next.cluster.state = 1
      appendDocument(next, documentOf(tokenOf(currentDocument(next)), claims.other, true))
    },
  })
}
