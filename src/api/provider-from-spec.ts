import type {
  ClientAssertion,
  OAuthClient,
  Provider,
  RefreshTokenLifetime,
  ResponseForm,
  TlsTrust,
} from '../domain/provider.ts'
import { present } from '../domain/present.ts'
import { durationOf } from './credential-from-spec.ts'
import type { OAuthProviderSpec } from './oauth-provider.ts'
import type { TlsTrustManifest } from './references.ts'

/** The domain's view of a spec that the schema accepted. */
export function providerFromSpec(
  spec: OAuthProviderSpec,
): Omit<Provider, 'kind' | 'name' | 'namespace' | 'generation'> {
  const { issuer, tokenEndpoint, refreshEndpoint, introspection } = spec
  return {
    ...present({ issuer, tokenEndpoint, refreshEndpoint }),
    ...(introspection !== undefined && { introspection: present(introspection) }),
    client: client(spec.client),
    request: spec.request,
    response: response(spec.response),
    rotation: {
      mode: spec.rotation.mode,
      reuseLeewaySeconds: durationOf(spec.rotation.reuseLeeway),
      leewayKind: spec.rotation.leewayKind,
      revokesPreviousAccessToken: spec.rotation.revokesPreviousAccessToken,
    },
    accessTokenLifetimeSeconds: durationOf(spec.accessTokenLifetime),
    refreshTokenLifetime: refreshTokenLifetime(spec.refreshTokenLifetime),
    minimumRefreshIntervalSeconds: durationOf(spec.minimumRefreshInterval),
    limits: spec.limits,
    tls: tlsFrom(spec.tls),
  }
}

function client({ id, authentication, ...proof }: OAuthProviderSpec['client']): OAuthClient {
  const { secretRef, assertion, certificateSecretName } = proof
  return {
    id,
    authentication,
    ...present({ secretRef, certificateSecretName }),
    ...(assertion !== undefined && { assertion: clientAssertion(assertion) }),
  }
}

function clientAssertion(written: NonNullable<OAuthProviderSpec['client']['assertion']>): ClientAssertion {
  const { keyRef, algorithm, keyId, audience } = written
  return { keyRef, algorithm, ...present({ keyId, audience }) }
}

function response({ success, errors, ...pointers }: OAuthProviderSpec['response']): ResponseForm {
  return {
    ...present(pointers),
    ...(success !== undefined && { success: { pointer: success.pointer, value: successValue(success) } }),
    errors: errors.map(present),
  }
}

function successValue({ text, integer, boolean }: NonNullable<OAuthProviderSpec['response']['success']>) {
  const value = text ?? integer ?? boolean
  if (value === undefined) throw new Error('a test of success that the schema accepts has no value')
  return value
}

function refreshTokenLifetime({ idle, absolute }: OAuthProviderSpec['refreshTokenLifetime']): RefreshTokenLifetime {
  return {
    ...(idle !== undefined && { idleSeconds: durationOf(idle) }),
    ...(absolute !== undefined && { absoluteSeconds: durationOf(absolute) }),
  }
}

/** Nothing extra is trusted when the manifest says nothing. */
export function tlsFrom(tls: TlsTrustManifest): TlsTrust {
  return {
    ...(tls?.caBundle !== undefined && { caBundle: tls.caBundle }),
    ...(tls?.caBundleSecretRef !== undefined && { caBundleSecretRef: tls.caBundleSecretRef }),
  }
}
