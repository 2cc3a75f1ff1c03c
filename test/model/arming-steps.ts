import { isSameDocument, rest, settle, spend, touchRecord } from './process.ts'
import type { Settings } from './settings.ts'
import { suffer, type Turn } from './turn.ts'
import { at, replicaOf, type World } from './world.ts'

export function proveWritable(turn: Turn, i: number): void {
  const { now, settings } = turn
  if (now.store.up === 0) return
  const same = isSameDocument(now, replicaOf(now, i), settings.guards)
  turn.take(i, same ? 'proves the document writable' : 'finds another document in the store', (next) => {
    if (same) replicaOf(next, i).at = at.journalArmed
    else rest(replicaOf(next, i))
  })
}

export function journalArmed(turn: Turn, i: number): void {
  turn.take(i, 'connects, and notes "armed" in its journal', (next) => {
    const r = replicaOf(next, i)
    r.journal = 1
    r.at = turn.settings.guards.armBeforeSend ? at.arm : at.fence
  })
}

export function arm(turn: Turn, i: number): void {
  const { now, settings } = turn
  if (now.around.recordsUp === 0) return
  if (settings.guards.armComparesVersion && replicaOf(now, i).recordFresh === 0) {
    return turn.take(i, 'arms in vain: the record has changed', (next) => settle(replicaOf(next, i)))
  }
  turn.take(i, 'arms: writes its intent into the record', (next) => {
    writeIntent(next, i, settings)
    replicaOf(next, i).at = at.fence
  })
  const unknown = 'arms, and gets no answer from the API server'
  suffer(turn, 'recordWriteUnknown', {
    actor: i,
    words: `${unknown} (written)`,
    change: (next) => {
      writeIntent(next, i, settings)
      replicaOf(next, i).at = at.armUnknown
    },
  })
  suffer(turn, 'recordWriteUnknown', {
    actor: i,
    words: `${unknown} (not written)`,
    change: (next) => (replicaOf(next, i).at = at.armUnknown),
  })
}

function writeIntent(next: World, i: number, settings: Settings): void {
  const { guards } = settings
  const r = replicaOf(next, i)
  const { record } = next
  const again = record.intent === r.base
  if (again && next.replicas[record.holder - 1]?.late === 1) next.around.overrun = 1
  if (!again && record.intent !== 0 && guards.replacedIntentSpent) spend(record, settings, record.intent)
  record.sends = again ? Math.min(3, record.sends + 1) : 1
  record.intent = r.base
  record.holder = i + 1
  record.age = 0
  touchRecord(next, i)
  r.expired = 0
}

export function readArmBack(turn: Turn, i: number): void {
  const { now, settings } = turn
  if (now.around.recordsUp === 0) return
  turn.take(i, 'reads the record back', (next) => {
    const r = replicaOf(next, i)
    const armed = next.record.holder === i + 1 && next.record.intent === r.base
    if (!settings.guards.fenceCountsFromArmStart) r.expired = 0
    if (armed || !settings.guards.armReadBack) r.at = at.fence
    else settle(r)
  })
}

export function checkFence(turn: Turn, i: number): void {
  const { now, settings } = turn
  const expired = replicaOf(now, i).expired === 1 && settings.guards.fenceDeadline
  if (!expired) turn.take(i, 'is within its send window', (next) => (replicaOf(next, i).at = at.journalSent))
  if (expired || now.around.leader === 0) {
    const words = expired ? 'finds its send window over' : 'does not lead any more'
    turn.take(i, words, (next) => (replicaOf(next, i).at = at.disarm))
  }
}
