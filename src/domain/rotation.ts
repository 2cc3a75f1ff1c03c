import type { Observed } from './observed.ts'
import type { Provider } from './provider.ts'

/**
 * True when a refresh may bring another refresh token, so that the old one must not be spent before
 * its successor has a place. A server that has never rotated is believed until it does.
 */
export function mayRotate(
  { state, firstOwner }: Pick<Observed, 'state' | 'firstOwner'>,
  { rotation }: Pick<Provider, 'rotation'>,
): boolean {
  if (rotation.mode === 'Detect') return (state.rotates ?? firstOwner?.rotates) !== false
  return rotation.mode === 'Always'
}

/** True unless requests to this server are made without an intent, whatever was seen of it. */
export function mayBeAnnounced(provider: Observed['provider']): boolean {
  return provider.kind !== 'found' || provider.value.rotation.mode !== 'Never'
}

/** Scheme, host and port that refresh tokens are sent to: what all credentials of one server share. */
export function tokenOrigin({ refreshEndpoint, tokenEndpoint, issuer = '' }: Provider): string {
  // Endpoints that an issuer's metadata name are on the issuer's own origin.
  const origin = (refreshEndpoint ?? tokenEndpoint ?? issuer).split('/', 3).join('/').toLowerCase()
  return origin.replace(origin.startsWith('https:') ? /:443$/ : /:80$/, '')
}
