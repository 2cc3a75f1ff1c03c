import { type Fault, faultIndex, type Settings } from './settings.ts'
import type { World } from './world.ts'

/** One state, and a place to put what may happen next. */
export interface Turn {
  /** Not to be changed. */
  readonly now: World
  readonly settings: Settings
  /** `actor`: a replica counted from 0, or one of {@link actors}. */
  take(actor: number, words: string, change: (next: World) => void): void
}

export const actors = { server: 10, time: 11, human: 12, otherCluster: 13, disaster: 14 } as const

/** As `take`, if the fault's budget allows it; it is spent then. */
export function suffer(turn: Turn, fault: Fault, happening: Happening): void {
  const { now } = turn
  const index = faultIndex(fault)
  if (now.around.leader !== 0 || (now.budget[index] ?? 0) === 0) return
  turn.take(happening.actor, happening.words, (next) => {
    next.budget[index] = (next.budget[index] ?? 0) - 1
    happening.change(next)
  })
}

export interface Happening {
  readonly actor: number
  readonly words: string
  readonly change: (next: World) => void
}
