import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type GrantContext, type IssuedToken, Provider } from 'oidc-provider'
import { adapterOn, concurrentReuse, ServerMemory } from './authorization-server-adapter.ts'
import { canary, watchForLeak } from './canary.ts'

export interface AuthorizationServerOptions {
  /** Life of access tokens in seconds; default 300. */
  readonly accessTokenSeconds?: number
  /** Life of refresh tokens in seconds; default 14 days. */
  readonly refreshTokenSeconds?: number
  /** False: the refresh token stays the same. Default true: each is good for one use, and a second use kills the family. */
  readonly rotate?: boolean
  /** Beside `openid` and `offline_access`; default `api:read` and `api:write`. */
  readonly scopes?: readonly string[]
  /** PEM; makes it an https server. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** PEM of the authority whose certificates clients may show; with `tls` alone. */
  readonly clientAuthority?: string
  /** Further clients, as their registration has them (RFC 7591 §2). */
  readonly registrations?: readonly ClientRegistration[]
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default: any free port. */
  readonly port?: number
}

/** A registered client; all of them may refresh. */
export interface RegisteredClient {
  readonly id: string
  readonly authentication: 'none' | 'client_secret_basic' | 'client_secret_post'
  /** Empty for the public client. */
  readonly secret: string
}

export type ClientRegistration = Readonly<Record<string, unknown>> & { readonly client_id: string }

export type ClientKind = 'none' | 'basic' | 'post'

export interface AuthorizationServerStatistics {
  /** Refresh requests that were granted. */
  readonly refreshes: number
  /** Refresh requests that were refused, for whatever reason. */
  readonly refusals: number
  /** Refused because the refresh token had been used before. */
  readonly reuses: number
  /** Grants that died because of that. */
  readonly familiesRevoked: number
}

export interface AuthorizationServer {
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly clients: Readonly<Record<ClientKind, RegisteredClient>>
  readonly statistics: AuthorizationServerStatistics
  /** What a login in the browser would have ended with: a grant of all scopes, and its first refresh token. */
  issueRefreshToken(client?: ClientKind | ClientRegistration, account?: string): Promise<string>
  /** Whether a resource server would accept this access token now. */
  isActive(accessToken: string): Promise<boolean>
  /** Whether this refresh token would be accepted now. */
  isRefreshTokenActive(refreshToken: string): Promise<boolean>
  /** Kills the grant that a refresh token belongs to, with all its tokens, as an administrator would. */
  revoke(refreshToken: string): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a real authorization server (oidc-provider) in this process. Its tokens are part of the
 * leak scan from the moment that they are issued.
 */
export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const { host = '127.0.0.1', port = 0, tls } = options
  const server = tls === undefined ? createHttpServer() : createHttpsServer({ ...tls, ...clientCertificates(options) })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  const issuer = `${tls === undefined ? 'http' : 'https'}://${host}:${(server.address() as AddressInfo).port}`
  const clients = registerClients()
  const scopes = ['openid', 'offline_access', ...(options.scopes ?? ['api:read', 'api:write'])]
  const provider = quietly(() => new Provider(issuer, configuration(clients, scopes, options)))
  server.on('request', provider.callback())
  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    clients,
    statistics: countingStatistics(provider),
    issueRefreshToken: async (client = 'none', account = 'somebody') => {
      const id = typeof client === 'string' ? clients[client].id : client.client_id
      return issueRefreshToken(provider, id, { account, scope: scopes.join(' ') })
    },
    isActive: async (accessToken) => isLive(provider, await provider.AccessToken.find(accessToken)),
    isRefreshTokenActive: async (refreshToken) => isLive(provider, await provider.RefreshToken.find(refreshToken)),
    revoke: async (refreshToken) => revoke(provider, refreshToken),
    close: async () => close(server),
  }
}

function registerClients(): Readonly<Record<ClientKind, RegisteredClient>> {
  return {
    none: { id: 'public-client', authentication: 'none', secret: '' },
    // A secret with characters that form-urlencoding changes: RFC 6749 §2.3.1 wants it encoded inside Basic.
    basic: { id: 'basic:client', authentication: 'client_secret_basic', secret: `${canary('secret')}:/+%&=` },
    post: { id: 'post-client', authentication: 'client_secret_post', secret: canary('secret') },
  }
}

function configuration(
  clients: Readonly<Record<ClientKind, RegisteredClient>>,
  scopes: readonly string[],
  options: AuthorizationServerOptions,
): Readonly<Record<string, unknown>> {
  const weeks = 14 * 86_400
  const refreshTokenSeconds = options.refreshTokenSeconds ?? weeks
  return {
    adapter: adapterOn(new ServerMemory()),
    clients: [...Object.values(clients).map(clientMetadata), ...(options.registrations ?? []).map(mayRefresh)],
    scopes,
    rotateRefreshToken: options.rotate ?? true,
    // Scopes of a refresh are those of the token; nobody logs in here.
    findAccount: async (_context: unknown, accountId: string) => ({
      accountId,
      claims: async () => ({ sub: accountId }),
    }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: isOwnToken },
      ...(options.clientAuthority !== undefined && { mTLS: byCertificate }),
    },
    ...(options.clientAuthority !== undefined && { clientAuthMethods: [...methods, 'tls_client_auth'] }),
    ttl: {
      AccessToken: options.accessTokenSeconds ?? 300,
      ClientCredentials: options.accessTokenSeconds ?? 300,
      RefreshToken: refreshTokenSeconds,
      Grant: weeks,
      IdToken: 3600,
    },
    jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: signatures },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
  }
}

interface OfClient {
  readonly clientId?: string
}

/** RFC 7009 §2.1: a client ends its own tokens alone. */
function isOwnToken(_context: unknown, client: OfClient, token: OfClient): boolean {
  return client.clientId === token.clientId
}

function clientMetadata({ id, authentication, secret }: RegisteredClient): Readonly<Record<string, unknown>> {
  return {
    token_endpoint_auth_method: authentication,
    ...mayRefresh({ client_id: id }),
    // A client that proves itself may also ask for itself.
    ...(secret !== '' && {
      client_secret: secret,
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    }),
  }
}

function mayRefresh(registration: ClientRegistration): ClientRegistration {
  return {
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['https://client.example/callback'],
    ...registration,
  }
}

const methods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']

const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const signatures = [...rsa, 'ES256', 'ES384', 'ES512', 'EdDSA']

/** A certificate that is not good enough is a matter of the token endpoint, and not of the connection. */
function clientCertificates({ clientAuthority }: AuthorizationServerOptions) {
  return clientAuthority === undefined ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: false }
}

interface ServerContext {
  readonly socket: unknown
}

/** RFC 8705 §2.1, with the subject of the certificate as `tls_client_auth_subject_dn`. */
const byCertificate = {
  enabled: true,
  tlsClientAuth: true,
  getCertificate: ({ socket }: ServerContext) => certificateOf(socket)?.toString(),
  certificateAuthorized: ({ socket }: ServerContext) => socket instanceof TLSSocket && socket.authorized,
  certificateSubjectMatches: ({ socket }: ServerContext, _name: string, expected: string) =>
    certificateOf(socket)?.subject === expected,
}

function certificateOf(socket: unknown) {
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
}

function countingStatistics(provider: Provider): AuthorizationServerStatistics {
  const statistics = { refreshes: 0, refusals: 0, reuses: 0, familiesRevoked: 0 }
  provider.on('grant.success', ({ body }: GrantContext) => {
    statistics.refreshes++
    for (const name of ['access_token', 'refresh_token', 'id_token']) {
      const token = body[name]
      if (typeof token === 'string') watchForLeak(token)
    }
  })
  provider.on('grant.error', (_context, error) => {
    statistics.refusals++
    const concurrent = error.error_detail === concurrentReuse
    if (concurrent) statistics.familiesRevoked++
    if (concurrent || error.error_detail === 'refresh token already used') statistics.reuses++
  })
  provider.on('grant.revoked', () => {
    statistics.familiesRevoked++
  })
  return statistics
}

async function issueRefreshToken(
  provider: Provider,
  id: string,
  { account, scope }: { readonly account: string; readonly scope: string },
): Promise<string> {
  const client = await provider.Client.find(id)
  const grant = new provider.Grant({ accountId: account, clientId: id })
  grant.addOIDCScope(scope)
  const grantId = await grant.save()
  const token = new provider.RefreshToken({ accountId: account, client, grantId, scope, gty: 'authorization_code' })
  return watchForLeak(await token.save())
}

async function isLive(provider: Provider, token: IssuedToken | undefined): Promise<boolean> {
  return token?.isValid === true && (await provider.Grant.find(token.grantId)) !== undefined
}

async function revoke(provider: Provider, refreshToken: string): Promise<void> {
  const token = await provider.RefreshToken.find(refreshToken, { ignoreExpiration: true })
  if (token === undefined) return
  await provider.RefreshToken.revokeByGrantId(token.grantId)
  const grant = await provider.Grant.find(token.grantId)
  await grant?.destroy()
}

/** oidc-provider prints advice for production when it is made; nobody who runs a test or the demo can act on it. */
function quietly<T>(make: () => T): T {
  const { info, warn } = console
  console.info = () => undefined
  console.warn = () => undefined
  try {
    return make()
  } finally {
    console.info = info
    console.warn = warn
  }
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
}
