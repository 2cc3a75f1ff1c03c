import { isIP } from 'node:net'
import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'

/** Where requests may go. Both false in a shared cluster: whoever writes a provider chooses an address. */
export interface AddressPolicy {
  readonly allowPlainHttp: boolean
  readonly allowPrivateAddresses: boolean
}

/** An endpoint of an authorization server, taken apart as a connection needs it. */
export interface Endpoint {
  /** As it was named. */
  readonly url: string
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

/** `what` is there, for messages: `token endpoint of OAuthProvider ns/name`. Failures: ENDPOINT_NOT_ALLOWED. */
export function endpointAt(text: string, what: string, policy: AddressPolicy): Result<Endpoint> {
  const url = URL.parse(text)
  const objection = url === null ? 'is not an absolute URL' : objectionTo(url, text, policy)
  return url === null || objection !== undefined
    ? failed(failure('ENDPOINT_NOT_ALLOWED', `The ${what} ${objection}.`))
    : ok(partsOf(url, text))
}

function objectionTo(url: URL, text: string, policy: AddressPolicy): string | undefined {
  const plain = url.protocol === 'http:' && policy.allowPlainHttp
  if (url.protocol !== 'https:' && !plain) return 'is not an https URL'
  // Credentials and fragments in a URL do not take part in the request; whoever wrote them meant something else.
  if (url.username !== '' || url.password !== '') return 'has a user name or password in its URL'
  return text.includes('#') ? 'has a fragment in its URL' : undefined
}

function partsOf(url: URL, text: string): Endpoint {
  const tls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return {
    url: text,
    tls,
    host,
    port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
    ...(isIP(host) === 0 && { serverName: host }),
    authority: url.host,
    target: url.pathname + url.search,
  }
}
