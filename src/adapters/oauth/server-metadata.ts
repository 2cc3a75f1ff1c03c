import type * as z from 'zod'
import { failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { present } from '../../domain/present.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Metadata, parseJson } from './schema.ts'

/** The endpoints that an issuer's metadata name, wherever they are. */
export interface ServerMetadata {
  readonly tokenEndpoint?: string
  readonly introspectionEndpoint?: string
  readonly revocationEndpoint?: string
}

/**
 * Where metadata of an issuer may be: RFC 8414 §3.1 puts the well-known part between host and path, and
 * OpenID Connect Discovery 1.0 §4.1 behind the path.
 */
export function metadataUrls(issuer: string): readonly [string, string] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]
}

/**
 * Reads a metadata document, which must be of exactly the issuer that was asked for (RFC 8414 §3.3).
 *
 * Failures: PROVIDER_INVALID.
 */
export function readMetadata(provider: Provider, issuer: string, text: string): Result<ServerMetadata> {
  const parsed = Metadata.safeParse(parseJson(text))
  if (!parsed.success) return invalid(provider, 'are not authorization server metadata')
  if (parsed.data.issuer !== issuer) return invalid(provider, 'are those of another issuer')
  return ok(endpointsOf(parsed.data, provider))
}

function endpointsOf(document: z.output<typeof Metadata>, { client }: Provider): ServerMetadata {
  const { token_endpoint, introspection_endpoint, revocation_endpoint, mtls_endpoint_aliases } = document
  // RFC 8705 §5: who shows a certificate goes to the aliases, where there are any.
  const own = client.authentication === 'tls_client_auth' ? mtls_endpoint_aliases : undefined
  return present({
    tokenEndpoint: own?.token_endpoint ?? token_endpoint,
    introspectionEndpoint: own?.introspection_endpoint ?? introspection_endpoint,
    revocationEndpoint: own?.revocation_endpoint ?? revocation_endpoint,
  })
}

/** Scheme, host and port; a text that is no URL has an origin of its own. */
export function originOf(url: string): string {
  const origin = URL.parse(url)?.origin
  return origin === undefined || origin === 'null' ? noOrigin : origin
}

export const noOrigin = 'no https URL'

function invalid(provider: Provider, problem: string): Result<never> {
  return failed(
    failure('PROVIDER_INVALID', `The metadata of the issuer (spec.issuer) of ${providerText(provider)} ${problem}.`),
  )
}
