import { type Fault, type Stage, strike } from './fault.ts'
import { secretMark } from './token-ledger.ts'
import type { Point } from './wire.ts'
import type { Planned } from './scenario.ts'

/** Moments at which the credential of a refresh is in the hands of some process. */
function inRefresh({ service }: Point): boolean {
  return service === 'store' || service === 'records' || service === 'server' || service === 'journal'
}

function act(name: string, weight: number, deed: (stage: Stage, planned: Planned) => void): Fault {
  return strike(name, weight, inRefresh, (stage) => {
    deed(stage, stage.random.pick(stage.planned))
    return 'pass'
  })
}

function keyOf(planned: Planned): string {
  return planned.place.split('#')[0] ?? ''
}

/** What people and their tools do while the operator works. */
export const humanActs: readonly Fault[] = [
  act('new-login', 3, (stage, { place }) => stage.login(place)),
  act('document-edited', 3, (stage, planned) => stage.models.store.touch(keyOf(planned))),
  act('store-rolled-back', 4, (stage, planned) => {
    stage.rollBack(keyOf(planned), 1 + stage.random.below(3))
  }),
  act('document-deleted', 0.3, (stage, planned) => stage.delete(keyOf(planned))),
  act('garbage-pasted', 0.3, (stage, { place }) => {
    stage.models.store.put(place, `${secretMark}mistake-${stage.models.scheduler.steps}-at-${place}-`, 'human')
  }),
  act('old-token-pasted', 1, (stage, { place }) => stage.pasteOld(place)),
  act('claimed-elsewhere', 0.5, (stage, { place }) => stage.claimElsewhere(place)),
  act('target-deleted', 1, (stage, { target }) => void stage.models.cluster.targets.delete(target)),
  act('refresh-requested', 3, (stage, { name }) => {
    stage.change(name, (credential) => ({ ...credential, refreshRequest: `at step ${stage.models.scheduler.steps}` }))
  }),
  act('suspended', 1, (stage, { name }) => stage.suspend(name)),
  act('spec-touched', 1, (stage, { name }) => {
    stage.change(name, (credential) => ({ ...credential, generation: credential.generation + 1 }))
  }),
  act('records-restored', 0.2, (stage) => stage.restoreRecords()),
  act('everything-restored', 0.05, (stage) => stage.restoreEverything()),
]
