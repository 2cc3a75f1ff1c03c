import { resume, settle, touchRecord } from './process.ts'
import type { Turn } from './turn.ts'
import { at, holders, replicaOf } from './world.ts'
import { commitSteps } from './commit.ts'
import { begin, readRecord, writeClaim, rollForward } from './preflight-steps.ts'
import { proveWritable, journalArmed, arm, readArmBack, checkFence } from './arming-steps.ts'
import { journalSent, send, receive, journalAnswered } from './sending-steps.ts'
import { recordUncertain, recordRefusal, disarm } from './closing-steps.ts'

/** What replica `i` may do next. */
export function replicaSteps(turn: Turn, i: number): void {
  const step = steps[replicaOf(turn.now, i).at]
  if (step !== undefined) step(turn, i)
}

const steps: { readonly [position: number]: (turn: Turn, i: number) => void } = {
  [at.down]: (turn, i) => turn.take(i, 'starts again', (next) => (replicaOf(next, i).at = at.start)),
  [at.start]: recover,
  [at.idle]: begin,
  [at.judge]: readRecord,
  [at.claim]: writeClaim,
  [at.rollForward]: rollForward,
  [at.prove]: proveWritable,
  [at.journalArmed]: journalArmed,
  [at.arm]: arm,
  [at.armUnknown]: readArmBack,
  [at.fence]: checkFence,
  [at.journalSent]: journalSent,
  [at.send]: send,
  [at.wait]: receive,
  [at.answered]: journalAnswered,
  [at.commit]: commitSteps,
  [at.unanswered]: recordUncertain,
  [at.refused]: recordRefusal,
  [at.disarm]: disarm,
  [at.settle]: (turn, i) => turn.take(i, 'clears its journal', (next) => settle(replicaOf(next, i))),
}

function recover(turn: Turn, i: number): void {
  const { recoveryAtStart } = turn.settings.guards
  const r = replicaOf(turn.now, i)
  if (r.journal !== 0 && recoveryAtStart)
    return turn.take(i, 'finds an unsettled entry in its journal', (next) => resume(next, i))
  if (turn.now.around.recordsUp === 0) return
  turn.take(i, 'starts with nothing to resolve', (next) => {
    const own = replicaOf(next, i)
    if (turn.settings.guards.earlierJournalOfOwnPod && next.record.holder === holders.earlierJournalOf + i + 1) {
      next.record.holder = holders.nobody
      touchRecord(next, -1)
    }
    own.at = at.idle
  })
}
