import type { Socket } from 'node:net'
import { type Failure, failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type { TokenAnswer, TokenExchange } from '../../domain/token-exchange.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SecretReader } from '../../ports/secret-reader.ts'
import type { TokenEndpoint, TokenRequest, TokenStanding } from '../../ports/token-endpoint.ts'
import { classifyTransportError, refusesCertificate } from './classify.ts'
import type { ClientProof } from './client-proof.ts'
import { Clients } from './clients.ts'
import type { Endpoint } from './endpoint.ts'
import { exchange, type ExchangeOptions } from './exchange.ts'
import { metadataFetch } from './fetch-metadata.ts'
import { readIntrospection } from './introspection.ts'
import { readRevocation } from './revocation.ts'
import { MetadataCache } from './metadata-cache.ts'
import { patienceMs } from './patience.ts'
import { type ConnectionOptions, isOpen, ServerConnections, unreachable, type Way } from './server-connections.ts'
import {
  introspectionEndpointText,
  type Places,
  revocationEndpointText,
  ServerEndpoints,
  tokenEndpointText,
} from './server-endpoints.ts'
import { buildTokenShowing, buildTokenRequest, type ClientIdentity, type WireRequest } from './token-request.ts'
import { TrustStore } from './trust.ts'

export interface HttpTokenEndpointOptions extends ConnectionOptions {
  /** For what clients prove themselves with, and CA bundles. */
  readonly secrets: SecretReader
  readonly clock: Clock
  /** Of the operator, for the User-Agent header. */
  readonly version: string
  /**
   * From the write of the request to the last byte of the answer; default 60000.
   * Shorter where the server grants a leeway, see {@link patienceMs}.
   */
  readonly responseTimeoutMs?: number
  /** From a request that can be repeated, for metadata or introspection, to the end of its answer; default 10000. */
  readonly readTimeoutMs?: number
}

/** A request that is ready to be written, and how its connection is made. */
interface Prepared extends Way {
  /** Of what the client proves itself with. */
  readonly mark: string
  readonly wire: Sensitive<WireRequest>
}

/** What is to be asked where. */
interface Draft {
  readonly endpoint: Endpoint
  readonly what: string
  /** `aud` of a client assertion, unless the provider says otherwise. */
  readonly audience: string
  readonly build: (identity: ClientIdentity) => Promise<Result<Sensitive<WireRequest>>>
}

/** Statuses that tell of an endpoint which has moved. */
const departures: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 404, 405, 410])

/**
 * Token endpoints over HTTP/1.1, one fresh connection for each request.
 *
 * Beside what {@link TokenEndpoint} promises: https only, and to public addresses only, unless the
 * options say otherwise; the host is resolved once, every address that it has is checked, and the
 * connection goes to one of these. TLS is always verified.
 *
 * Failures: those of the port, and PROVIDER_INVALID when the provider's headers or CA bundle cannot
 * be used, and those of {@link SecretReader}.
 */
export class HttpTokenEndpoint implements TokenEndpoint {
  readonly #options: HttpTokenEndpointOptions
  readonly #connections: ServerConnections
  readonly #trust: TrustStore
  readonly #clients: Clients
  readonly #metadata: MetadataCache
  readonly #endpoints: ServerEndpoints
  readonly #userAgent: string
  readonly #readTimeoutMs: number

  constructor(options: HttpTokenEndpointOptions) {
    const { secrets, clock, version, readTimeoutMs: timeoutMs = 10_000 } = options
    const connections = new ServerConnections(options)
    const trust = new TrustStore(secrets)
    const userAgent = `oauth-credential-operator/${version}`
    this.#options = options
    this.#connections = connections
    this.#trust = trust
    this.#clients = new Clients(secrets, clock)
    this.#userAgent = userAgent
    this.#readTimeoutMs = timeoutMs
    this.#metadata = new MetadataCache(
      metadataFetch({ policy: options, connections, trust, userAgent, timeoutMs }),
      clock,
    )
    this.#endpoints = new ServerEndpoints(options, this.#metadata)
  }

  async request(
    request: TokenRequest,
    beforeSend: () => Promise<Result<void>>,
    answered?: (answer: TokenAnswer) => void,
  ): Promise<TokenExchange> {
    const { provider } = request
    const prepared = await this.#prepareRequest(request)
    if (!prepared.ok) return { kind: 'not-sent', failure: prepared.failure }
    const connected = await this.#connections.open(prepared.value)
    if (!connected.ok) {
      this.#metadata.doubt(provider)
      return { kind: 'not-sent', failure: connected.failure }
    }
    const socket = connected.value
    try {
      const go = await beforeSend()
      if (!go.ok) return { kind: 'not-sent', failure: go.failure }
      // The last moment at which a dead connection proves that nothing was sent.
      if (!isOpen(socket)) return { kind: 'not-sent', failure: closed(prepared.value) }
      const timeoutMs = patienceMs(provider, this.#options.responseTimeoutMs)
      const came = await sendOnce(socket, prepared.value, { timeoutMs, answered }, provider)
      if (came.kind === 'answered') this.#learnFrom(provider, prepared.value, came.answer)
      return came
    } finally {
      socket.destroy()
    }
  }

  async introspect(provider: Provider, accessToken: Sensitive): Promise<Result<TokenStanding>> {
    const what = introspectionEndpointText(provider)
    const answer = await this.#show(provider, accessToken, {
      what,
      places: await this.#endpoints.introspection(provider),
    })
    return answer.ok ? readIntrospection(provider, answer.value) : answer
  }

  async revoke(provider: Provider, accessToken: Sensitive): Promise<Result<void>> {
    const what = revocationEndpointText(provider)
    const answer = await this.#show(provider, accessToken, { what, places: await this.#endpoints.revocation(provider) })
    return answer.ok ? readRevocation(provider, answer.value, this.#options.clock.now()) : answer
  }

  /** Shows the server an access token of its own. The request can be repeated. */
  async #show(
    provider: Provider,
    accessToken: Sensitive,
    { what, places }: { readonly what: string; readonly places: Result<Places> },
  ): Promise<Result<TokenAnswer>> {
    if (!places.ok) return places
    const { endpoint, token } = places.value
    const prepared = await this.#prepare(provider, {
      endpoint,
      what,
      audience: token.url,
      build: (identity) => buildTokenShowing({ provider, accessToken }, endpoint, identity),
    })
    if (!prepared.ok) return prepared
    const connected = await this.#connections.open(prepared.value)
    if (!connected.ok) return connected
    try {
      const answer = await exchange(connected.value, prepared.value.wire, { timeoutMs: this.#readTimeoutMs })
      this.#learnFrom(provider, prepared.value, answer)
      return ok(answer)
    } catch (error) {
      return failed(unreachable(what, classifyTransportError(error)))
    } finally {
      connected.value.destroy()
    }
  }

  async clientSince(provider: Provider): Promise<EpochSeconds | undefined> {
    return provider.client.authentication === 'none' ? undefined : this.#clients.since(provider)
  }

  async #prepareRequest(request: TokenRequest): Promise<Result<Prepared>> {
    const { provider, grant } = request
    const found = await this.#endpoints.token(provider, grant.type)
    if (!found.ok) return found
    const endpoint = found.value
    return this.#prepare(provider, {
      endpoint,
      what: tokenEndpointText(provider),
      audience: provider.tokenEndpoint ?? endpoint.url,
      build: (identity) => buildTokenRequest(request, endpoint, identity),
    })
  }

  /** All that can fail without a connection is done before there is one. */
  async #prepare(provider: Provider, draft: Draft): Promise<Result<Prepared>> {
    const proof = await this.#clients.proofOf(provider)
    if (!proof.ok) return proof
    const way = await this.#wayTo(draft, provider, proof.value)
    if (!way.ok) return way
    const wire = await draft.build({
      authenticate: proof.value.authenticate,
      audience: provider.client.assertion?.audience ?? draft.audience,
      userAgent: this.#userAgent,
    })
    return wire.ok ? ok({ ...way.value, mark: proof.value.mark, wire: wire.value }) : wire
  }

  async #wayTo({ endpoint, what }: Draft, provider: Provider, { certificate }: ClientProof): Promise<Result<Way>> {
    if (endpoint.tls) {
      const trust = await this.#trust.trustOf(provider, certificate)
      return trust.ok ? ok({ endpoint, trust: trust.value, what }) : trust
    }
    if (certificate === undefined) return ok({ endpoint, trust: undefined, what })
    return failed(failure('ENDPOINT_NOT_ALLOWED', `The ${what} is no https URL, so no certificate can be shown there.`))
  }

  /** What is remembered of a provider may be what the server does not like. */
  #learnFrom(provider: Provider, { mark }: Prepared, { status }: TokenAnswer): void {
    if (departures.has(status)) this.#metadata.doubt(provider)
    this.#clients.learn(provider, mark, status)
  }
}

async function sendOnce(
  socket: Socket,
  { wire, what }: Prepared,
  options: ExchangeOptions,
  provider: Provider,
): Promise<TokenExchange> {
  try {
    return { kind: 'answered', answer: await exchange(socket, wire, options) }
  } catch (error) {
    const why = classifyTransportError(error)
    // The server has not gone beyond the handshake, so it has not read the request.
    if (refusesCertificate(error)) return { kind: 'not-sent', failure: unreachable(what, why) }
    const message = `The token request to ${providerText(provider)} was sent and no answer came back: ${why}.`
    return { kind: 'lost', failure: failure('TOKEN_RESULT_UNKNOWN', message) }
  }
}

function closed({ what }: Prepared): Failure {
  return unreachable(what, 'it closed the connection')
}
