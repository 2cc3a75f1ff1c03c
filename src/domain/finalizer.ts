import type { Observed } from './observed.ts'
import { act } from './settle.ts'
import type { Step } from './step.ts'

/** The check that nothing is published that nobody else would remove, or revoke, while the object could vanish unseen. */
export function finalizerMissing(observed: Observed): Step | undefined {
  const wanted = observed.needsFinalizer && !observed.credential.finalized
  return wanted ? act(observed, { kind: 'add-finalizer' }) : undefined
}

/** As {@link finalizerMissing}, of what is published already: a spec may begin to ask for it while it is suspended. */
export function finalizerOwed(observed: Observed): Step | undefined {
  return observed.state.targetName === undefined ? undefined : finalizerMissing(observed)
}

/**
 * The check that takes off a finalizer which nothing needs any more, because the spec asks for something else by now and
 * the target is as it asks: nobody would take it off once the operator is gone.
 */
export function finalizerLeft(observed: Observed): Step | undefined {
  const { credential, needsFinalizer, state, targetDigest } = observed
  const isSettled = state.targetDigest === targetDigest && state.formerTargets === undefined
  const isLeft = credential.finalized && !needsFinalizer && isSettled
  return isLeft ? act(observed, { kind: 'remove-finalizer' }) : undefined
}

/** What is observed once it was tried to take the finalizer off: one that stays a little longer does no harm. */
export function withoutFinalizer(observed: Observed): Observed {
  return { ...observed, credential: { ...observed.credential, finalized: false } }
}
