import type { Socket } from 'node:net'
import { isPublicAddress } from '../../domain/address-rules.ts'
import { failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { TokenAnswer, TokenExchange } from '../../domain/token-exchange.ts'
import type { SecretReader } from '../../ports/secret-reader.ts'
import type { TokenEndpoint, TokenRequest } from '../../ports/token-endpoint.ts'
import { classifyTransportError, timedOut } from './classify.ts'
import { clientProofOf, proofSecrets } from './client-proof.ts'
import { connect } from './connect.ts'
import { type AddressPolicy, type Endpoint, endpointOf } from './endpoint.ts'
import { exchange } from './exchange.ts'
import { type HostAddress, type HostLookup, systemLookup } from './host-addresses.ts'
import { patienceMs } from './patience.ts'
import { TlsSessions } from './tls-sessions.ts'
import { buildTokenRequest, type WireRequest } from './token-request.ts'
import { type Trust, TrustStore } from './trust.ts'

export interface HttpTokenEndpointOptions extends AddressPolicy {
  /** For what clients prove themselves with, and CA bundles. */
  readonly secrets: SecretReader
  /** Of the operator, for the User-Agent header. */
  readonly version: string
  /** For name, connection and TLS handshake together; default 5000. */
  readonly connectTimeoutMs?: number
  /**
   * From the write of the request to the last byte of the answer; default 60000.
   * Shorter where the server grants a leeway, see {@link patienceMs}.
   */
  readonly responseTimeoutMs?: number
  /** Default: the system's resolver. */
  readonly lookup?: HostLookup
}

/** A request that is ready to be written, and how its connection is made. */
interface Prepared {
  readonly endpoint: Endpoint
  readonly trust: Trust | undefined
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
  readonly #lookup: HostLookup
  readonly #trust: TrustStore
  readonly #sessions = new TlsSessions()

  constructor(options: HttpTokenEndpointOptions) {
    this.#options = options
    this.#lookup = options.lookup ?? systemLookup()
    this.#trust = new TrustStore(options.secrets)
  }

  async request(request: TokenRequest, beforeSend: () => Promise<Result<void>>): Promise<TokenExchange> {
    const { provider } = request
    const prepared = await this.#prepare(request)
    if (!prepared.ok) return { kind: 'not-sent', failure: prepared.failure }
    const connected = await this.#connect(provider, prepared.value)
    if (!connected.ok) return { kind: 'not-sent', failure: connected.failure }
    const socket = connected.value
    try {
      const go = await beforeSend()
      if (!go.ok) return { kind: 'not-sent', failure: go.failure }
      // The last moment at which a dead connection proves that nothing was sent.
      if (!isOpen(socket)) return { kind: 'not-sent', failure: unreachable(provider, 'it closed the connection') }
      return await this.#send(provider, socket, prepared.value.wire)
    } finally {
      socket.destroy()
    }
  }

  /** All that can fail without a connection is done before there is one. */
  async #prepare(request: TokenRequest): Promise<Result<Prepared>> {
    const { provider } = request
    const endpoint = endpointOf(request, this.#options)
    if (!endpoint.ok) return endpoint
    const trust = endpoint.value.tls ? await this.#trust.trustOf(provider) : ok(undefined)
    if (!trust.ok) return trust
    const proof = await clientProofOf(provider, this.#options.secrets)
    if (!proof.ok) return proof
    const wire = await buildTokenRequest(request, endpoint.value, {
      authenticate: proof.value.authenticate,
      audience: provider.client.assertion?.audience ?? provider.tokenEndpoint ?? '',
      userAgent: `oauth-credential-operator/${this.#options.version}`,
    })
    return wire.ok ? ok({ endpoint: endpoint.value, trust: trust.value, wire: wire.value }) : wire
  }

  async #connect(provider: Provider, { endpoint, trust }: Prepared): Promise<Result<Socket>> {
    const deadlineMs = performance.now() + (this.#options.connectTimeoutMs ?? 5000)
    try {
      const addresses = await within(deadlineMs, this.#lookup(endpoint.host))
      if (!this.#areAllowed(addresses)) return failed(addressNotAllowed(provider))
      const timeoutMs = deadlineMs - performance.now()
      const sessions = this.#sessions
      return ok(await connect(endpoint, { addresses, sessions, timeoutMs, ...(trust && { trust }) }))
    } catch (error) {
      return failed(unreachable(provider, classifyTransportError(error)))
    }
  }

  /** All of them, because which one is used is left to the network. */
  #areAllowed(addresses: readonly HostAddress[]): boolean {
    return this.#options.allowPrivateAddresses || addresses.every(({ address }) => isPublicAddress(address))
  }

  async #send(provider: Provider, socket: Socket, wire: Sensitive<WireRequest>): Promise<TokenExchange> {
    try {
      const answer = await exchange(socket, wire, patienceMs(provider, this.#options.responseTimeoutMs))
      this.#forgetRefusedProof(provider, answer)
      return { kind: 'answered', answer }
    } catch (error) {
      const why = classifyTransportError(error)
      const what = `The token request to ${providerText(provider)} was sent and no answer came back: ${why}.`
      return { kind: 'lost', failure: failure('TOKEN_RESULT_UNKNOWN', what) }
    }
  }

  #forgetRefusedProof({ client, namespace }: Provider, { status }: TokenAnswer): void {
    if (!clientRefusals.has(status)) return
    for (const name of proofSecrets(client)) this.#options.secrets.forget(namespace, name)
  }
}

function isOpen(socket: Socket): boolean {
  return !socket.destroyed && socket.writable && !socket.readableEnded
}

function unreachable(provider: Provider, why: string) {
  return failure(
    'TOKEN_ENDPOINT_UNREACHABLE',
    `The token endpoint of ${providerText(provider)} could not be reached: ${why}.`,
  )
}

/** Does not tell the addresses: who may write a provider need not know what names mean inside the cluster. */
function addressNotAllowed(provider: Provider) {
  const what = `The host of the token endpoint of ${providerText(provider)} has an address that is not public.`
  return failure('ENDPOINT_NOT_ALLOWED', what)
}

async function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(timedOut()), deadlineMs - performance.now())
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
