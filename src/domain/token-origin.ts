import type { Provider } from './provider.ts'

export type Endpoints = Pick<Provider, 'refreshEndpoint' | 'tokenEndpoint' | 'issuer'>

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
