import type { Credential } from '../../src/domain/credential.ts'
import type { Fleet } from './fleet.ts'
import type { Gremlin } from './gremlin.ts'
import type { Models } from './models.ts'
import type { Random } from './random.ts'
import type { Planned } from './scenario.ts'
import type { Point, Verdict } from './wire.ts'

/** What of a world faults can get at. */
export interface Stage {
  readonly random: Random
  readonly models: Models
  readonly fleet: Fleet
  readonly planned: readonly Planned[]
  /** True once faults are over. */
  readonly isCalm: boolean
  login(place: string): void
  pasteOld(place: string): void
  storeGoesBack(): void
  rollBack(key: string, changes: number): void
  delete(key: string): void
  claimElsewhere(place: string): void
  restoreEverything(): void
  restoreRecords(): void
  suspend(name: string): void
  recreate(planned: Planned, gapMs: number): void
  move(planned: Planned): void
  withdrawStore(durationMs: number): void
  change(name: string, changed: (credential: Credential) => Credential): void
}

/** One kind of fault: how often it comes, and what it does when its time has come. */
export interface Fault {
  readonly name: string
  readonly weight: number
  readonly begin: (stage: Stage, gremlin: Gremlin) => void
}

/** A fault that strikes at a random moment of work that is under way. */
export function strike(
  name: string,
  weight: number,
  matches: (point: Point) => boolean,
  act: (stage: Stage, point: Point) => Verdict | undefined,
): Fault {
  return {
    name,
    weight,
    begin: (stage, gremlin) =>
      gremlin.await({
        fault: name,
        matches,
        skip: stage.random.chance(0.5) ? 0 : stage.random.below(12),
        act: (point) => act(stage, point) ?? 'pass',
      }),
  }
}

/** A fault that happens when its time has come, whatever is under way. */
export function event(name: string, weight: number, act: (stage: Stage, gremlin: Gremlin) => void): Fault {
  return {
    name,
    weight,
    begin: (stage, gremlin) => {
      gremlin.count(name)
      act(stage, gremlin)
    },
  }
}

/** Calls that a refresh is made of; looking at targets and telling the status are not among them. */
export function ofRefresh({ service, operation }: Point): boolean {
  return service !== 'status' && service !== 'pods' && operation !== 'observe'
}
