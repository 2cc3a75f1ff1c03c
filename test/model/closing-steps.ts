import { stalls } from './judgement.ts'
import { touchRecord } from './process.ts'
import { checkReason } from './properties.ts'
import type { Turn } from './turn.ts'
import { at, holders, replicaOf, type World } from './world.ts'

function owns(next: World, i: number): boolean {
  return next.record.holder === i + 1 && next.record.intent === replicaOf(next, i).base
}

function clearIntent(next: World): void {
  next.record.intent = 0
  next.record.holder = holders.nobody
  next.record.age = 0
  next.record.sends = 0
}

function changeRecord(turn: Turn, i: number, words: string, change: (next: World) => void): void {
  if (turn.now.around.recordsUp === 0) return
  turn.take(i, words, (next) => {
    if (owns(next, i)) {
      change(next)
      touchRecord(next, -1)
    }
    if (replicaOf(next, i).at !== at.idle) replicaOf(next, i).at = at.settle
  })
}

export function recordUncertain(turn: Turn, i: number): void {
  changeRecord(turn, i, 'records that the result is uncertain', (next) => {
    if (!turn.settings.guards.uncertaintyKept) return clearIntent(next)
    next.record.holder = holders.nobody
    next.record.age = 0
  })
}

export function recordRefusal(turn: Turn, i: number): void {
  changeRecord(turn, i, 'records the refusal', (next) => {
    checkReason(next, turn.settings, next.record.intent)
    if (turn.settings.guards.refusalRemembered) next.record.refused = next.record.intent
    clearIntent(next)
    if (next.around.leader === i + 1) replicaOf(next, i).stalled = stalls.refused
  })
}

export function disarm(turn: Turn, i: number): void {
  changeRecord(turn, i, 'disarms: nothing was sent', (next) => {
    const { record } = next
    if (record.sends < 2 || !turn.settings.guards.uncertaintySurvivesDisarm) return clearIntent(next)
    record.sends--
    record.holder = holders.nobody
    record.age = 0
  })
}
