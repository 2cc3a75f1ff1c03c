import type { Provider } from '../../domain/provider.ts'

/** How long a token endpoint may take for its answer. */
export const defaultResponseTimeoutMs = 60_000

/**
 * What `terminationGracePeriodSeconds` of the operator's Pod has to be: the longest wait for an answer, and half
 * a minute to bring what it brought into record, store and target. A refresh token that was sent is lost
 * with the process that waits for its successor.
 */
export const terminationGracePeriodSeconds = defaultResponseTimeoutMs / 1000 + 30

/** No server is given less. */
const shortestMs = 5000

/**
 * How long an answer is waited for. Without a leeway nothing but the answer brings the successor. Where the
 * server takes the refresh token again for a while, a silent connection is given up in time for another one.
 */
export function patienceMs({ rotation }: Pick<Provider, 'rotation'>, longestMs = defaultResponseTimeoutMs): number {
  const leewayMs = rotation.reuseLeewaySeconds * 1000
  return leewayMs === 0 ? longestMs : Math.min(longestMs, Math.max(shortestMs, leewayMs / 2))
}
