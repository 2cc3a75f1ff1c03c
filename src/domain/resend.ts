import type { Provider } from './provider.ts'
import type { EpochSeconds } from './time.ts'
import { type EarlierSends, leewaySeconds } from './uncertainty.ts'

/** When a refresh token is presented again whose answer was lost. */
export type Resend =
  /** While the server still answers with the successor. */
  | { readonly kind: 'within-leeway'; readonly leewaySeconds: number }
  /** Nothing is known of a leeway: most of those that there are last for seconds. */
  | { readonly kind: 'at-once' }
  /**
   * Time changes nothing any more. A server that takes the token for stolen may revoke the access token with
   * it, so that one is used up first.
   */
  | { readonly kind: 'near-end' }

/** How the token may be presented again that was sent so often without an answer, the last time at `failedAt`. */
export function resendAfter(provider: Provider, lost: EarlierSends, failedAt: EpochSeconds): Resend {
  const leeway = leewaySeconds(provider, lost, failedAt)
  if (leeway !== undefined) return { kind: 'within-leeway', leewaySeconds: leeway }
  const isUnknown = provider.rotation.reuseLeewaySeconds === 0
  return isUnknown && lost.sends === 1 ? { kind: 'at-once' } : { kind: 'near-end' }
}
