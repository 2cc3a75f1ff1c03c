import { backoff } from '../domain/backoff.ts'
import { present } from '../domain/present.ts'
import { earliest, later } from '../domain/time.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import type { Requeue } from './work-queue.ts'

/** When to come back: a status that could not be written is tried again with the backoff of a refresh, whatever else is planned. */
export function untilTold(
  { uid, state, statusFailures }: CredentialMemory,
  planned: Requeue,
  { clock }: Pick<Deps, 'clock'>,
): Requeue {
  if (statusFailures === undefined) return planned
  const failedAt = clock.now()
  const delay = backoff(present({ uid, failures: statusFailures, failedAt, expiresAt: state.accessTokenExpiresAt }))
  const retryAt = later(failedAt, delay)
  return planned === undefined ? retryAt : earliest(planned, retryAt)
}
