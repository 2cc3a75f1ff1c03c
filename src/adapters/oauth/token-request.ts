import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { ClientAuth } from 'oauth4webapi'
import { type Failure, failure } from '../../domain/failures.ts'
import { type Provider, providerText, type SecretKeyRef } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { TokenRequest } from '../../ports/token-endpoint.ts'
import type { Endpoint } from './endpoint.ts'

/** A request as it goes onto the wire. Holds the refresh token and the client's secret. */
export interface WireRequest {
  readonly method: 'GET' | 'POST'
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Who we are to the server. */
export interface ClientIdentity {
  readonly authenticate: ClientAuth
  /** `aud` of a client assertion. */
  readonly audience: string
  readonly userAgent: string
}

/** Headers that frame the message or authenticate the client. A provider's `request.headers` cannot change them. */
const ownHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Builds the token request of RFC 6749 §6 or §4.4 with the client authentication of §2.3.1. Nothing
 * is sent.
 *
 * Failures: PROVIDER_INVALID when a header of the provider cannot be written, CLIENT_SECRET_UNAVAILABLE when the
 * client's key cannot sign.
 */
export async function buildTokenRequest(
  request: TokenRequest,
  endpoint: Endpoint,
  identity: ClientIdentity,
): Promise<Result<Sensitive<WireRequest>>> {
  const { provider, grant, scopes } = request
  const parameters = new URLSearchParams(provider.request.parameters)
  if (scopes.length > 0) parameters.set('scope', scopes.join(' '))
  if (grant.type === 'refresh_token') parameters.set('refresh_token', grant.refreshToken.reveal())
  parameters.set('grant_type', grant.type)
  return buildPost(provider, endpoint, { parameters, json: provider.request.bodyFormat === 'json', identity })
}

/**
 * Builds the introspection request of RFC 7662 §2.1, and the revocation request of RFC 7009 §2.1, which are the same
 * form whatever a token request is. Nothing is sent.
 *
 * Failures: as of {@link buildTokenRequest}.
 */
export async function buildTokenShowing(
  { provider, accessToken }: { readonly provider: Provider; readonly accessToken: Sensitive },
  endpoint: Endpoint,
  identity: ClientIdentity,
): Promise<Result<Sensitive<WireRequest>>> {
  const parameters = new URLSearchParams({ token: accessToken.reveal(), token_type_hint: 'access_token' })
  return buildPost(provider, endpoint, { parameters, json: false, identity })
}

/** Builds the metadata request of RFC 8414 §3.1. It holds nothing of the client. */
export function buildMetadataRequest({ target, authority }: Endpoint, userAgent: string): Sensitive<WireRequest> {
  const headers = {
    accept: 'application/json',
    'user-agent': userAgent,
    host: authority,
    'accept-encoding': 'identity',
    connection: 'close',
  }
  return new Sensitive({ method: 'GET', target, headers, body: '' })
}

interface Post {
  readonly parameters: URLSearchParams
  readonly json: boolean
  readonly identity: ClientIdentity
}

async function buildPost(
  provider: Provider,
  endpoint: Endpoint,
  { parameters, json, identity }: Post,
): Promise<Result<Sensitive<WireRequest>>> {
  const unwritable = Object.entries(provider.request.headers).find(([name, value]) => !isHeader(name, value))
  if (unwritable !== undefined)
    return failed(
      failure('PROVIDER_INVALID', `A header in spec.request.headers of ${providerText(provider)} is not valid HTTP.`),
    )
  const proven = await proveClient(provider, parameters, identity)
  if (!proven.ok) return proven
  const { authorization } = proven.value
  const body = json ? JSON.stringify(Object.fromEntries(parameters)) : parameters.toString()
  const headers = {
    accept: 'application/json',
    'user-agent': identity.userAgent,
    ...providerHeaders(provider),
    ...(authorization !== undefined && { authorization }),
    host: endpoint.authority,
    'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded',
    'content-length': `${Buffer.byteLength(body)}`,
    // A compressed answer would have to be unpacked before a token could be saved out of a broken one.
    'accept-encoding': 'identity',
    connection: 'close',
  }
  return ok(new Sensitive({ method: 'POST', target: endpoint.target, headers, body }))
}

/**
 * Adds the client authentication of oauth4webapi to the parameters, or gives the header that it is in.
 *
 * The library's `refreshTokenGrantRequest` and the like are not used: sending is ours anyway, because `fetch`
 * repeats a POST by itself after status 421, and those functions make Node load its `fetch`, which costs every
 * process 25 ms and 16 MiB.
 */
async function proveClient(
  provider: Provider,
  parameters: URLSearchParams,
  { authenticate, audience }: ClientIdentity,
): Promise<Result<{ readonly authorization: string | undefined }>> {
  const { client } = provider
  const headers = new Map<string, string>()
  // Of `Headers`, client authentication uses `set` alone, with names in lower case.
  try {
    await authenticate({ issuer: audience }, { client_id: client.id }, parameters, headers as unknown as Headers)
  } catch (error) {
    // A key may look like one and have numbers that nothing can be signed with. Nothing else of this can fail.
    if (client.assertion === undefined) throw error
    return failed(unfitKey(provider, client.assertion.keyRef))
  }
  return ok({ authorization: headers.get('authorization') })
}

function unfitKey(provider: Provider, { name, key }: SecretKeyRef): Failure {
  const secret = provider.namespace === undefined ? name : `${provider.namespace}/${name}`
  const what = `The key ${key} of Secret ${secret}, by which the client of ${providerText(provider)} proves itself, is damaged: nothing can be signed with it.`
  return failure('CLIENT_SECRET_UNAVAILABLE', what)
}

function providerHeaders({ request }: Provider): Readonly<Record<string, string>> {
  const entries = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return Object.fromEntries(entries.filter(([name]) => !ownHeaders.has(name)))
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
