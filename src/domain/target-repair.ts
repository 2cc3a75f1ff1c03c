import { unlessBackingOff } from './after-failure.ts'
import { isUnmarked, loginChanged, targetWantsPublication } from './conclude.ts'
import type { Observed } from './observed.ts'
import { isUnpublished } from './obtain.ts'
import { holdsLater } from './publication-order.ts'
import { act, isAnswerLost, rememberedFailure } from './settle.ts'
import type { Step } from './step.ts'
import type { EpochSeconds } from './time.ts'

/** The check for a target that is gone, damaged or outdated while the token is at hand. */
export function targetRepairable(observed: Observed, now: EpochSeconds): Step | undefined {
  const step = repair(observed, now)
  if (step === undefined) return undefined
  // A lost answer says nothing about the target, and may be waited for till the access token is nearly over.
  const last = rememberedFailure(observed.state)
  return last !== undefined && isAnswerLost(observed, last) ? step : (unlessBackingOff(observed, now) ?? step)
}

/** Publishes the token at hand where the target lacks it; undefined when it does not, or there is none for this login. */
export function repair(observed: Observed, now: EpochSeconds): Step | undefined {
  const { accessToken, target } = observed
  if (accessToken === undefined || accessToken.expiresAt <= now || loginChanged(observed)) return undefined
  const wanted = targetWantsPublication(observed) || isUnmarked(observed) || isUnpublished(observed, accessToken)
  if (!wanted || holdsLater(target, accessToken.issuedAt, now)) return undefined
  return act(observed, { kind: 'publish', accessToken })
}
