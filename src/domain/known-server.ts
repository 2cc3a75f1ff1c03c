import { keyText } from './credential.ts'
import type { CredentialState, KnownServer } from './credential-state.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed } from './observed.ts'
import type { Provider } from './provider.ts'
import { stableHash } from './stable-fraction.ts'
import { type Endpoints, tokenOrigin } from './token-origin.ts'
import { tokenMark } from './token-mark.ts'

type Server = Pick<Provider, 'client'> & Endpoints

/** The server of this provider, after it has answered a refresh. `fingerprint`: of the token to present next. */
export function knownServer(provider: Server, fingerprint: string): KnownServer {
  return {
    origin: tokenOrigin(provider),
    digest: serverDigest(provider),
    refreshToken: tokenMark(fingerprint),
  }
}

/** The server of an answer. One that waited in the journal says nothing of it: nobody knows which server gave it. */
export function answeredBy(
  { provider }: Pick<Observed, 'provider'>,
  { next }: { readonly next?: string },
): Pick<CredentialState, 'server'> {
  return next === undefined || provider.kind !== 'found' ? {} : { server: knownServer(provider.value, next) }
}

/** True when it is this server that answered last, and this client. */
export function isKnown({ server }: Pick<CredentialState, 'server'>, provider: Server): boolean {
  return server?.digest === serverDigest(provider)
}

/** Where this refresh token was answered last, as far as the status tells. */
export function knownOrigin({ server }: Pick<CredentialState, 'server'>, fingerprint: string): string | undefined {
  return server?.refreshToken === tokenMark(fingerprint) ? server.origin : undefined
}

/** A refresh token goes only where it was answered before, which is `known`, unless a human has allowed another place. */
export function originChange(
  { credential: { key, allowedOrigin } }: Pick<Observed, 'credential'>,
  provider: Endpoints,
  known: string | undefined,
): Failure | undefined {
  const origin = tokenOrigin(provider)
  if (known === undefined || known === origin || allowedOrigin === origin) return undefined
  const what = `The refresh token of OAuthCredential ${keyText(key)} belongs to ${known}, and its provider now names ${origin}.`
  return failure('TOKEN_ORIGIN_CHANGED', what)
}

/**
 * Identifies the server, with the path that tells its tenants apart, and the client. How one of them handles refresh
 * tokens says nothing of another that the manifests name since.
 */
function serverDigest(provider: Server): string {
  const known = digests.get(provider)
  if (known !== undefined) return known
  const { client, issuer = '', tokenEndpoint = '', refreshEndpoint = '' } = provider
  const digest = stableHash([client.id, issuer, tokenEndpoint, refreshEndpoint].join('|'))
  digests.set(provider, digest)
  return digest
}

/** Asked for a few times in a refresh, and the same for as long as a manifest stays. */
const digests = new WeakMap<Server, string>()
