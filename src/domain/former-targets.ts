import type { Target } from './credential.ts'
import type { CredentialState } from './credential-state.ts'

/** So many are remembered; of a credential that is renamed more often while none can be removed, the oldest stay. */
export const formerTargetLimit = 16

/** The state after a publication into `target`: its name is known, and which earlier targets are to be removed by now. */
export function withTarget(before: CredentialState, target: Target): CredentialState {
  const { formerTargets: _outdated, ...state } = before
  const former = formerTargets(before, target)
  return { ...state, targetName: target.name, ...(former.length > 0 && { formerTargets: former }) }
}

/** The targets of other names that this credential has published into, as far as its policy lets them be removed. */
export function formerTargets({ targetName, formerTargets: known = [] }: CredentialState, target: Target): string[] {
  if (!isRemovable(target)) return []
  const names = new Set([...known, ...(targetName === undefined ? [] : [targetName])])
  names.delete(target.name)
  return [...names].slice(-formerTargetLimit)
}

/** The state once a former target is gone, or was found to be none of ours. */
export function withoutFormerTarget(
  { formerTargets: known = [], ...state }: CredentialState,
  name: string,
): CredentialState {
  const left = known.filter((each) => each !== name)
  return left.length === 0 ? state : { ...state, formerTargets: left }
}

/** True when nothing that was published is to stay without its credential. */
function isRemovable({ creationPolicy, deletionPolicy }: Target): boolean {
  return deletionPolicy === 'Delete' && creationPolicy !== 'Orphan'
}

/** The next one to remove, now that its successor is published. */
export function nextFormerTarget({ formerTargets: known = [] }: CredentialState, target: Target): string | undefined {
  return isRemovable(target) ? known.find((name) => name !== target.name) : undefined
}
