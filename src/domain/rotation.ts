import type { Observed } from './observed.ts'
import type { Provider } from './provider.ts'

/**
 * True when a refresh may bring another refresh token, so that the old one must not be spent before
 * its successor has a place. A server that has never rotated is believed until it does.
 */
export function mayRotate({ state }: Pick<Observed, 'state'>, { rotation }: Pick<Provider, 'rotation'>): boolean {
  if (rotation.mode === 'Detect') return state.rotates !== false
  return rotation.mode === 'Always'
}

/** True unless requests to this server are made without an intent, whatever was seen of it. */
export function mayBeAnnounced(provider: Observed['provider']): boolean {
  return provider.kind !== 'found' || provider.value.rotation.mode !== 'Never'
}

type Endpoints = Pick<Provider, 'refreshEndpoint' | 'tokenEndpoint' | 'issuer'>

/**
 * Scheme, host and port that refresh tokens are sent to: what all credentials of one server share. Nothing else of the
 * URL, because logs and traces show it, and a query may be a secret.
 */
export function tokenOrigin(endpoints: Endpoints): string {
  const known = origins.get(endpoints)
  if (known !== undefined) return known
  const { refreshEndpoint, tokenEndpoint, issuer = '' } = endpoints
  // Endpoints that an issuer's metadata name are on the issuer's own origin.
  const [url = ''] = (refreshEndpoint ?? tokenEndpoint ?? issuer).split('?', 1)
  const origin = url.split('/', 3).join('/').toLowerCase()
  const short = origin.replace(origin.startsWith('https:') ? /:443$/ : /:80$/, '')
  origins.set(endpoints, short)
  return short
}

/** Asked for a dozen times in a refresh, and the same for as long as a manifest stays. */
const origins = new WeakMap<Endpoints, string>()
