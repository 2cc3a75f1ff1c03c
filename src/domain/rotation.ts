import type { CredentialState } from './credential-state.ts'
import type { AnsweredEntry } from './journal-entry.ts'
import { answeredLast } from './known-server.ts'
import type { Observed } from './observed.ts'
import type { Provider } from './provider.ts'
import { tokenOrigin } from './token-origin.ts'

/**
 * True when a refresh may bring another refresh token, so that the old one must not be spent before
 * its successor has a place. A server that has never rotated is believed until it does.
 */
export function mayRotate({ state }: Pick<Observed, 'state'>, provider: Rotating, recorded?: string): boolean {
  const { mode } = provider.rotation
  return mode === 'Detect' ? !hasKept(state, provider, recorded) : mode === 'Always'
}

/**
 * True when this server has answered this client, and never with another refresh token. Statuses of earlier versions do
 * not say which server it was. `recorded`: where the record says that tokens were sent to, which is good enough then.
 */
export function hasKept(
  state: Pick<CredentialState, 'rotates' | 'servers'>,
  provider: Rotating,
  recorded?: string,
): boolean {
  if (state.rotates !== false) return false
  return state.servers === undefined ? recorded === tokenOrigin(provider) : answeredLast(state, provider)
}

type Rotating = Pick<Provider, 'rotation' | 'client' | 'issuer' | 'tokenEndpoint' | 'refreshEndpoint'>

/** True unless the request was made without an intent. Where the journal does not say so, the provider of now tells. */
export function wasAnnounced({ announced }: Pick<AnsweredEntry, 'announced'>, provider: Observed['provider']): boolean {
  return announced ?? mayBeAnnounced(provider)
}

/** True unless requests to this server are made without an intent, whatever was seen of it. */
export function mayBeAnnounced(provider: Observed['provider']): boolean {
  return provider.kind !== 'found' || provider.value.rotation.mode !== 'Never'
}
