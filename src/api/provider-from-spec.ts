import type { OAuthClient, Provider, TlsTrust } from '../domain/provider.ts'
import { durationOf } from './credential-from-spec.ts'
import type { OAuthProviderSpec } from './oauth-provider.ts'
import type { TlsTrustManifest } from './references.ts'

/** The domain's view of a spec that the schema accepted. */
export function providerFromSpec(
  spec: OAuthProviderSpec,
): Omit<Provider, 'kind' | 'name' | 'namespace' | 'generation'> {
  return {
    tokenEndpoint: spec.tokenEndpoint,
    client: client(spec.client),
    request: spec.request,
    response: { errors: [] },
    rotation: {
      mode: spec.rotation.mode,
      reuseLeewaySeconds: durationOf(spec.rotation.reuseLeeway),
      leewayKind: spec.rotation.leewayKind,
      revokesPreviousAccessToken: spec.rotation.revokesPreviousAccessToken,
    },
    accessTokenLifetimeSeconds: durationOf(spec.accessTokenLifetime),
    refreshTokenLifetime: {},
    minimumRefreshIntervalSeconds: 0,
    limits: spec.limits,
    tls: tlsFrom(spec.tls),
  }
}

function client({ id, authentication, secretRef }: OAuthProviderSpec['client']): OAuthClient {
  return { id, authentication, ...(secretRef !== undefined && { secretRef }) }
}

/** Nothing extra is trusted when the manifest says nothing. */
export function tlsFrom(tls: TlsTrustManifest): TlsTrust {
  return {
    ...(tls?.caBundle !== undefined && { caBundle: tls.caBundle }),
    ...(tls?.caBundleSecretRef !== undefined && { caBundleSecretRef: tls.caBundleSecretRef }),
  }
}
