import { type Credential, keyText } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import type { Failure } from './failures.ts'
import { rememberedFailure } from './settle.ts'
import type { Step } from './step.ts'

/**
 * What an object is told that waits for another one, which had its name before and is not brought to its end: what is
 * wrong there, since whoever applied this one will look here. In its conditions alone: it has not failed itself, and
 * begins without a past. When to come back is up to the other one. Undefined while nothing is wrong. Pure.
 */
export function settleNamesake(
  { key, state }: Pick<Credential, 'key' | 'state'>,
  predecessor: CredentialState,
): Extract<Step, { kind: 'settled' }> | undefined {
  const problem = rememberedFailure(predecessor)
  if (problem === undefined) return undefined
  const what = `This object waits until the OAuthCredential that had the name ${keyText(key)} before is brought to its end.`
  const cause: Failure = { ...problem, message: `${what} ${problem.message}` }
  return {
    kind: 'settled',
    settlement: { kind: cause.next === 'stall' ? 'stalled' : 'retrying', failure: cause },
    progress: { state },
  }
}
