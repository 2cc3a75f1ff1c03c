import type { CredentialState } from './credential-state.ts'
import { isKnown } from './known-server.ts'
import type { Observed } from './observed.ts'
import type { Provider } from './provider.ts'

/**
 * True when a refresh may bring another refresh token, so that the old one must not be spent before
 * its successor has a place. A server that has never rotated is believed until it does.
 */
export function mayRotate({ state }: Pick<Observed, 'state'>, provider: Rotating): boolean {
  const { mode } = provider.rotation
  return mode === 'Detect' ? !hasKept(state, provider) : mode === 'Always'
}

/** True when this server has answered this client, and never with another refresh token. */
export function hasKept(state: Pick<CredentialState, 'rotates' | 'server'>, provider: Rotating): boolean {
  return state.rotates === false && isKnown(state, provider)
}

type Rotating = Pick<Provider, 'rotation' | 'client' | 'issuer' | 'tokenEndpoint' | 'refreshEndpoint'>

/** True unless requests to this server are made without an intent, whatever was seen of it. */
export function mayBeAnnounced(provider: Observed['provider']): boolean {
  return provider.kind !== 'found' || provider.value.rotation.mode !== 'Never'
}
