import type { Provider, RequestLimits } from './provider.ts'

/**
 * What one token host takes of all providers together that name it.
 *
 * A `ClusterOAuthProvider` is the word of who runs the cluster: where one names the host, namespaced
 * providers do not count. Of those that count, the most generous says how much; each one's own limits
 * bind its own requests besides. So nobody raises the limits of a host by naming it, beyond what one of
 * those who name it may send alone, and nobody lowers them for others.
 */
export function hostLimits(providers: readonly Pick<Provider, 'kind' | 'limits'>[]): RequestLimits {
  const ofCluster = providers.filter(({ kind }) => kind === 'ClusterOAuthProvider')
  const counting = ofCluster.length > 0 ? ofCluster : providers
  return {
    requestsPerSecond: Math.max(1, ...counting.map(({ limits }) => limits.requestsPerSecond)),
    maxConcurrent: Math.max(1, ...counting.map(({ limits }) => limits.maxConcurrent)),
  }
}

/** Milliseconds until limits are whole again after a pause: a host that comes back is not met by everybody at once. */
export const rampMs = 20_000
const firstShare = 0.2

/** The limits `sinceMs` after requests were allowed again: a fifth of them at first, at least one of each. */
export function rampedLimits({ requestsPerSecond, maxConcurrent }: RequestLimits, sinceMs: number): RequestLimits {
  const share = Math.min(1, firstShare + (1 - firstShare) * (sinceMs / rampMs))
  return {
    requestsPerSecond: Math.max(1, Math.floor(requestsPerSecond * share)),
    maxConcurrent: Math.max(1, Math.floor(maxConcurrent * share)),
  }
}
