import { type Failure, failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import { classifyTransportError } from './classify.ts'
import { type AddressPolicy, endpointAt } from './endpoint.ts'
import { exchange } from './exchange.ts'
import type { FetchMetadata } from './metadata-cache.ts'
import { type ServerConnections, unreachable } from './server-connections.ts'
import { metadataUrls, readMetadata, type ServerMetadata } from './server-metadata.ts'
import { buildMetadataRequest } from './token-request.ts'
import type { TrustStore } from './trust.ts'

export interface MetadataParts {
  readonly policy: AddressPolicy
  readonly connections: ServerConnections
  readonly trust: TrustStore
  readonly userAgent: string
  readonly timeoutMs: number
}

/** What one of the places has. */
type Found =
  | { readonly kind: 'metadata'; readonly metadata: ServerMetadata }
  /** Something that answers, and has none, or none that can be used. */
  | { readonly kind: 'absent' | 'unfit'; readonly failure: Failure }
  | { readonly kind: 'silent'; readonly failure: Failure }

/**
 * Fetches metadata of an issuer, with what a token request is bound to: https and public addresses unless the
 * policy says otherwise, verified TLS, no redirects, an end to size and time. The client proves nothing and
 * shows nothing of itself.
 *
 * Failures: TOKEN_ENDPOINT_UNREACHABLE, ENDPOINT_NOT_ALLOWED, PROVIDER_INVALID, and those of the trust.
 */
export function metadataFetch(parts: MetadataParts): FetchMetadata {
  return async (provider, issuer) => {
    const allowed = endpointAt(issuer, `issuer (spec.issuer) of ${providerText(provider)}`, parts.policy)
    if (!allowed.ok) return allowed
    const [inserted, appended] = metadataUrls(issuer)
    const one = await look(provider, issuer, inserted, parts)
    if (one.kind === 'metadata') return ok(one.metadata)
    if (one.kind === 'silent') return failed(one.failure)
    const other = await look(provider, issuer, appended, parts)
    if (other.kind === 'metadata') return ok(other.metadata)
    // That nothing is there says less than what is wrong with what is there.
    return failed(one.kind === 'unfit' ? one.failure : other.failure)
  }
}

async function look(provider: Provider, issuer: string, url: string, parts: MetadataParts): Promise<Found> {
  const what = metadataText(provider)
  const answer = await get(provider, url, parts)
  if (!answer.ok) return { kind: 'silent', failure: answer.failure }
  const { status, complete, body } = answer.value
  if (status >= 500 || status === 429)
    return { kind: 'absent', failure: unreachable(what, `the server answered with status ${status}`) }
  if (status !== 200) return { kind: 'absent', failure: absent(provider, status) }
  if (!complete) return { kind: 'unfit', failure: unreachable(what, 'it was cut off, or is larger than 256 KiB') }
  const metadata = readMetadata(provider, issuer, body.reveal())
  return metadata.ok ? { kind: 'metadata', metadata: metadata.value } : { kind: 'unfit', failure: metadata.failure }
}

interface Document {
  readonly status: number
  readonly complete: boolean
  readonly body: Sensitive
}

async function get(provider: Provider, url: string, parts: MetadataParts): Promise<Result<Document>> {
  const what = metadataText(provider)
  const endpoint = endpointAt(url, what, parts.policy)
  if (!endpoint.ok) return endpoint
  const trust = endpoint.value.tls ? await parts.trust.trustOf(provider) : ok(undefined)
  if (!trust.ok) return trust
  const connected = await parts.connections.open({ endpoint: endpoint.value, trust: trust.value, what })
  if (!connected.ok) return connected
  const socket = connected.value
  try {
    return ok(await exchange(socket, buildMetadataRequest(endpoint.value, parts.userAgent), parts))
  } catch (error) {
    return failed(unreachable(what, classifyTransportError(error)))
  } finally {
    socket.destroy()
  }
}

function absent(provider: Provider, status: number): Failure {
  const what = `There are no metadata at the well-known places of the issuer (spec.issuer) of ${providerText(provider)}: the server answered with status ${status}.`
  return failure('PROVIDER_INVALID', what)
}

function metadataText(provider: Provider): string {
  return `metadata document of the issuer of ${providerText(provider)}`
}
