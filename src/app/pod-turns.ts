import type { CredentialState } from '../domain/credential-state.ts'
import type { Deps } from './deps.ts'

/** Everything else asks the same API server over the same few connections, and a page of pods is megabytes. */
const podsLimit = { perSecond: 1000, concurrent: 2 }

/** So long a credential waits for its turn, in milliseconds: meanwhile it is not refreshed. */
const patienceMs = 15_000

/** `ended`: nothing may be begun any more. `late`: others went first for too long, or there are too many pods for one turn. */
export type Missed = 'ended' | 'late'

export type Turn<T> = { readonly kind: 'taken'; readonly value: T } | { readonly kind: 'missed'; readonly why: Missed }

/**
 * Runs `work`, which is about pods of a whole namespace, when it is its turn: two credentials at a time, first those
 * whose access tokens end first. Who waits for too long goes on without it, and comes back.
 */
export function atTurnForPods<T>(
  { accessTokenExpiresAt: endsAt }: Pick<CredentialState, 'accessTokenExpiresAt'>,
  { limiter, mayBegin, clock }: Pick<Deps, 'limiter' | 'mayBegin' | 'clock'>,
  work: () => Promise<T>,
): Promise<Turn<T>> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const cancel = clock.wakeAfter(patienceMs, () => {
      isLate = true
      resolve(missed('late'))
    })
    const unlessMissed = async (): Promise<Turn<T>> => {
      if (isLate) return missed('late')
      cancel()
      return mayBegin() ? { kind: 'taken', value: await work() } : missed('ended')
    }
    limiter.run('pods of readers', podsLimit, endsAt ?? 0, unlessMissed).then(resolve, reject)
  })
}

function missed(why: Missed): { readonly kind: 'missed'; readonly why: Missed } {
  return { kind: 'missed', why }
}
