import { isIP } from 'node:net'
import { failure } from '../../domain/failures.ts'
import { providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { TokenRequest } from '../../ports/token-endpoint.ts'

/** Where token requests may go. Both false in a shared cluster: whoever writes a provider chooses an address. */
export interface AddressPolicy {
  readonly allowPlainHttp: boolean
  readonly allowPrivateAddresses: boolean
}

/** A token endpoint, taken apart as a connection needs it. */
export interface Endpoint {
  readonly tls: boolean
  /** Name or address, without the brackets of IPv6. */
  readonly host: string
  readonly port: number
  /** For SNI and the certificate; absent when `host` is an address (RFC 6066 §3). */
  readonly serverName?: string
  /** The `Host` header. */
  readonly authority: string
  /** Path with query: RFC 6749 §3.2 says that the query of a token endpoint is kept. */
  readonly target: string
}

/** Failures: ENDPOINT_NOT_ALLOWED. */
export function endpointOf({ provider, grant }: TokenRequest, policy: AddressPolicy): Result<Endpoint> {
  const { refreshEndpoint, tokenEndpoint = '' } = provider
  const text = grant.type === 'refresh_token' ? (refreshEndpoint ?? tokenEndpoint) : tokenEndpoint
  const url = URL.parse(text)
  const objection = url === null ? 'is not an absolute URL' : objectionTo(url, text, policy)
  return url === null || objection !== undefined
    ? failed(failure('ENDPOINT_NOT_ALLOWED', `The token endpoint of ${providerText(provider)} ${objection}.`))
    : ok(endpointAt(url, url.protocol === 'https:'))
}

function objectionTo(url: URL, text: string, policy: AddressPolicy): string | undefined {
  const plain = url.protocol === 'http:' && policy.allowPlainHttp
  if (url.protocol !== 'https:' && !plain) return 'is not an https URL'
  // Credentials and fragments in a URL do not take part in the request; whoever wrote them meant something else.
  if (url.username !== '' || url.password !== '') return 'has a user name or password in its URL'
  return text.includes('#') ? 'has a fragment in its URL' : undefined
}

function endpointAt(url: URL, tls: boolean): Endpoint {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return {
    tls,
    host,
    port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
    ...(isIP(host) === 0 && { serverName: host }),
    authority: url.host,
    target: url.pathname + url.search,
  }
}
