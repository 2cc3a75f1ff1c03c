import { recover } from './advance-preflight.ts'
import { conclude } from './conclude.ts'
import { withLoginReplaced } from './login-replaced.ts'
import type { Observed } from './observed.ts'
import { leftTokens } from './place-left.ts'
import { lackingIn } from './record-look.ts'
import type { Result } from './result.ts'
import { settleFailed } from './settle.ts'
import type { Progress, RecordLook, Step } from './step.ts'
import { storeWriteDueAt } from './store-pacing.ts'
import { withoutSight, withSight } from './store-sight.ts'
import type { EpochSeconds } from './time.ts'

/** Follows a look at what the record holds for the place of the spec: what its store lacks goes there. */
export function afterRecordLook(
  observed: Observed,
  progress: Progress,
  result: Result<RecordLook>,
  now: EpochSeconds,
): Step {
  if (!result.ok) return settleFailed(observed, progress, result.failure, now)
  const { record, storeHolds } = result.value
  const known: Progress = { ...withStoreSeen(progress, result.value), record }
  const lacking = lackingIn(result.value)
  if (lacking === undefined) {
    // Of a place that was left that place tells itself.
    const isWhole = storeHolds !== 'spent' && leftTokens({ ...observed, record }, now) === undefined
    const next: Progress = { ...known, storeIsNewest: isWhole }
    return conclude(observed, storeHolds === 'another' ? withLoginReplaced(next, now) : next, now)
  }
  const { tokens, stored } = lacking
  const { store } = observed
  const dueAt = store.kind === 'found' ? storeWriteDueAt(observed, store.value, record, now) : undefined
  const missing = { tokens, persisted: false, ...(dueAt !== undefined && { storeWriteDueAt: dueAt }) }
  return recover(observed, known, { missing, stored }, now)
}

function withStoreSeen(progress: Progress, { record, storeHolds }: RecordLook): Progress {
  if (storeHolds === 'newest') return withSight(progress, record.retained?.fingerprint)
  return storeHolds === 'spent' ? withoutSight(progress) : progress
}
