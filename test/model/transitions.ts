import { faultsOf } from './faults.ts'
import { findLosses } from './properties.ts'
import { budgetOf, type Settings } from './settings.ts'
import { replicaSteps } from './steps.ts'
import { surroundings } from './surroundings.ts'
import type { Turn } from './turn.ts'
import { claims, documentOf, newWorld, type World } from './world.ts'

export interface Step {
  readonly actor: number
  readonly words: string
}

/** Called for each transition with the world after it; the world is used again for the next one. */
export type Visit = (step: Step, next: World) => void

export function firstWorld(settings: Settings): World {
  const world = newWorld(settings.replicas, budgetOf(settings))
  world.around.rounds = settings.refreshes - 1
  const claim = settings.unclaimed === true ? claims.none : claims.first
  world.store.documents[0] = documentOf(1, claim, settings.unclaimed !== true)
  world.store.count = 1
  return world
}

/** Everything that may happen next; `copy` makes `next` equal to `now`. */
export function successors(settings: Settings, now: World, next: World, copy: () => void): (visit: Visit) => void {
  return (visit) => {
    const turn: Turn = {
      now,
      settings,
      take(actor, words, change) {
        copy()
        next.marks.violation = ''
        next.marks.beyond = false
        next.marks.window = 0
        next.marks.lostIn = 0
        next.marks.spentIn = 0
        change(next)
        findLosses(next, settings)
        visit({ actor, words }, next)
      },
    }
    for (let i = 0; i < now.replicas.length; i++) replicaSteps(turn, i)
    surroundings(turn)
    faultsOf(turn)
  }
}
