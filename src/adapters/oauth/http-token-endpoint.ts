import type { Socket } from 'node:net'
import { failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { TokenAnswer, TokenExchange } from '../../domain/token-exchange.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SecretReader } from '../../ports/secret-reader.ts'
import type { TokenEndpoint, TokenRequest } from '../../ports/token-endpoint.ts'
import { classifyTransportError, refusesCertificate } from './classify.ts'
import { type ClientProof, clientProofOf, proofSecrets } from './client-proof.ts'
import { type Endpoint, endpointOf } from './endpoint.ts'
import { exchange } from './exchange.ts'
import { patienceMs } from './patience.ts'
import { type ConnectionOptions, isOpen, ServerConnections, unreachable, type Way } from './server-connections.ts'
import { buildTokenRequest, type WireRequest } from './token-request.ts'
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
}

/** A request that is ready to be written, and how its connection is made. */
interface Prepared extends Way {
  readonly wire: Sensitive<WireRequest>
}

/** Statuses with which servers refuse a client: what it proves itself with may have been changed since it was read. */
const clientRefusals: ReadonlySet<number> = new Set([400, 401, 403])

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

  constructor(options: HttpTokenEndpointOptions) {
    this.#options = options
    this.#connections = new ServerConnections(options)
    this.#trust = new TrustStore(options.secrets)
  }

  async request(request: TokenRequest, beforeSend: () => Promise<Result<void>>): Promise<TokenExchange> {
    const prepared = await this.#prepare(request)
    if (!prepared.ok) return { kind: 'not-sent', failure: prepared.failure }
    const connected = await this.#connections.open(prepared.value)
    if (!connected.ok) return { kind: 'not-sent', failure: connected.failure }
    const socket = connected.value
    try {
      const go = await beforeSend()
      if (!go.ok) return { kind: 'not-sent', failure: go.failure }
      const { what, wire } = prepared.value
      // The last moment at which a dead connection proves that nothing was sent.
      if (!isOpen(socket)) return { kind: 'not-sent', failure: unreachable(what, 'it closed the connection') }
      return await this.#send(request.provider, socket, wire)
    } finally {
      socket.destroy()
    }
  }

  /** All that can fail without a connection is done before there is one. */
  async #prepare(request: TokenRequest): Promise<Result<Prepared>> {
    const { provider } = request
    const endpoint = endpointOf(request, this.#options)
    if (!endpoint.ok) return endpoint
    const proof = await clientProofOf(provider, this.#options.secrets, this.#options.clock.now())
    if (!proof.ok) return proof
    const way = await this.#wayTo(endpoint.value, provider, proof.value)
    if (!way.ok) return way
    const wire = await buildTokenRequest(request, endpoint.value, {
      authenticate: proof.value.authenticate,
      audience: provider.client.assertion?.audience ?? provider.tokenEndpoint ?? '',
      userAgent: `oauth-credential-operator/${this.#options.version}`,
    })
    return wire.ok ? ok({ ...way.value, wire: wire.value }) : wire
  }

  async #wayTo(endpoint: Endpoint, provider: Provider, { certificate }: ClientProof): Promise<Result<Way>> {
    const what = tokenEndpointText(provider)
    if (endpoint.tls) {
      const trust = await this.#trust.trustOf(provider, certificate)
      return trust.ok ? ok({ endpoint, trust: trust.value, what }) : trust
    }
    if (certificate === undefined) return ok({ endpoint, trust: undefined, what })
    return failed(failure('ENDPOINT_NOT_ALLOWED', `The ${what} is no https URL, so no certificate can be shown there.`))
  }

  async #send(provider: Provider, socket: Socket, wire: Sensitive<WireRequest>): Promise<TokenExchange> {
    try {
      const answer = await exchange(socket, wire, patienceMs(provider, this.#options.responseTimeoutMs))
      this.#forgetRefusedProof(provider, answer)
      return { kind: 'answered', answer }
    } catch (error) {
      const why = classifyTransportError(error)
      // The server has not gone beyond the handshake, so it has not read the request.
      if (refusesCertificate(error)) return { kind: 'not-sent', failure: unreachable(tokenEndpointText(provider), why) }
      const what = `The token request to ${providerText(provider)} was sent and no answer came back: ${why}.`
      return { kind: 'lost', failure: failure('TOKEN_RESULT_UNKNOWN', what) }
    }
  }

  #forgetRefusedProof({ client, namespace }: Provider, { status }: TokenAnswer): void {
    if (!clientRefusals.has(status)) return
    for (const name of proofSecrets(client)) this.#options.secrets.forget(namespace, name)
  }
}

function tokenEndpointText(provider: Provider): string {
  return `token endpoint of ${providerText(provider)}`
}
