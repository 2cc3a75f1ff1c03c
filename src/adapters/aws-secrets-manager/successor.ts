import { createHash } from 'node:crypto'

/**
 * The id of the one version that the operator may write over another: 64 hexadecimal digits, which
 * Secrets Manager takes as a `ClientRequestToken`.
 *
 * Secrets Manager writes without a precondition, but never two different contents under one id. So
 * two writers over the same version ask for the same id, and exactly one content gets it.
 */
export function successorOf(versionId: string): string {
  return createHash('sha256').update(`oauth-credential-operator/successor-of/${versionId}`).digest('hex')
}

/** Successors that are followed: Secrets Manager keeps about 100 versions. */
export const longestLine = 100

/** True when `later` is `earlier`, or was written by the operator over it with nothing of others between. */
export function continues(earlier: string, later: string): boolean {
  let id = earlier
  for (let steps = 0; steps < longestLine && id !== later; steps += 1) id = successorOf(id)
  return id === later
}
