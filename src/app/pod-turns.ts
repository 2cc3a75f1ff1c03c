import type { CredentialState } from '../domain/credential-state.ts'
import type { Deps } from './deps.ts'

/** Everything else asks the same API server over the same few connections, and a page of pods is megabytes. */
const podsLimit = { perSecond: 1000, concurrent: 2 }

/**
 * Runs `work`, which is about pods of a whole namespace, when it is its turn: two credentials at a time, first those
 * whose access tokens end first. Undefined when nothing may be begun any more by then.
 */
export function atTurnForPods<T>(
  { accessTokenExpiresAt: endsAt }: Pick<CredentialState, 'accessTokenExpiresAt'>,
  { limiter, mayBegin }: Pick<Deps, 'limiter' | 'mayBegin'>,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const unlessOver = (): Promise<T | undefined> => (mayBegin() ? work() : Promise.resolve(undefined))
  return limiter.run('pods of readers', podsLimit, endsAt ?? 0, unlessOver)
}
