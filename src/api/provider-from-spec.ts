import { present } from '../domain/present.ts'
import type { ProviderDraft, ProviderSpec, Variable } from '../domain/provider-draft.ts'
import type { RefreshTokenLifetime, ResponseForm, Rotation, TlsTrust } from '../domain/provider.ts'
import { durationOf } from './credential-from-spec.ts'
import type { ClusterOAuthProviderSpec, OAuthProviderSpec } from './oauth-provider.ts'
import type { TlsTrustManifest } from './references.ts'

/** The domain's view of a spec that the schema accepted. */
export function providerFromSpec(
  spec: OAuthProviderSpec | ClusterOAuthProviderSpec,
): Pick<ProviderDraft, 'presetRef' | 'variables' | 'spec'> {
  const { presetRef } = spec
  const variables = 'variables' in spec ? spec.variables : undefined
  return {
    ...(presetRef !== undefined && { presetRef: { name: presetRef.name, values: presetRef.values ?? {} } }),
    ...(variables !== undefined && { variables: variablesFrom(variables) }),
    spec: settings(spec),
  }
}

function variablesFrom(written: NonNullable<ClusterOAuthProviderSpec['variables']>): Record<string, Variable> {
  const entries = Object.entries(written).map(([name, { form, allowed, default: value }]): [string, Variable] => [
    name,
    { form, ...present({ allowed, default: value }) },
  ])
  return Object.fromEntries(entries)
}

function settings(spec: OAuthProviderSpec): ProviderSpec {
  const { issuer, tokenEndpoint, refreshEndpoint, revocationEndpoint, introspection, client, request, limits, tls } =
    spec
  return {
    ...present({ issuer, tokenEndpoint, refreshEndpoint, revocationEndpoint, client: client && clientFrom(client) }),
    ...present({
      introspection: introspection && present(introspection),
      request: request && present(request),
      response: spec.response && response(spec.response),
      rotation: spec.rotation && rotation(spec.rotation),
      limits: limits && present(limits),
      tls: tls && tlsFrom(tls),
    }),
    ...present({
      accessTokenLifetimeSeconds: secondsOf(spec.accessTokenLifetime),
      minimumRefreshIntervalSeconds: secondsOf(spec.minimumRefreshInterval),
      refreshTokenLifetime: spec.refreshTokenLifetime && refreshTokenLifetime(spec.refreshTokenLifetime),
    }),
  }
}

type Settings = Required<OAuthProviderSpec>

function secondsOf(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : durationOf(duration)
}

function clientFrom({ assertion, ...client }: NonNullable<Settings['client']>): NonNullable<ProviderSpec['client']> {
  return { ...present(client), ...(assertion !== undefined && { assertion: present(assertion) }) }
}

function response({ success, errors, ...pointers }: NonNullable<Settings['response']>): Partial<ResponseForm> {
  return {
    ...present(pointers),
    ...(success !== undefined && { success: { pointer: success.pointer, value: successValue(success) } }),
    ...(errors !== undefined && { errors: errors.map(present) }),
  }
}

function successValue({ text, integer, boolean }: NonNullable<NonNullable<Settings['response']>['success']>) {
  const value = text ?? integer ?? boolean
  if (value === undefined) throw new Error('a test of success that the schema accepts has no value')
  return value
}

function rotation({ reuseLeeway, ...written }: NonNullable<Settings['rotation']>): Partial<Rotation> {
  return { ...present(written), ...present({ reuseLeewaySeconds: secondsOf(reuseLeeway) }) }
}

function refreshTokenLifetime(written: NonNullable<Settings['refreshTokenLifetime']>): RefreshTokenLifetime {
  return present({ idleSeconds: secondsOf(written.idle), absoluteSeconds: secondsOf(written.absolute) })
}

/** Nothing extra is trusted when the manifest says nothing. */
export function tlsFrom(tls: TlsTrustManifest): TlsTrust {
  return {
    ...(tls?.caBundle !== undefined && { caBundle: tls.caBundle }),
    ...(tls?.caBundleSecretRef !== undefined && { caBundleSecretRef: tls.caBundleSecretRef }),
  }
}
