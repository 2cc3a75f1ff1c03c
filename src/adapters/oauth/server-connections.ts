import type { Socket } from 'node:net'
import { mayReach } from '../../domain/address-rules.ts'
import { type Failure, failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { classifyTransportError, timedOut } from './classify.ts'
import { connect } from './connect.ts'
import type { AddressPolicy, Endpoint } from './endpoint.ts'
import { type HostAddress, type HostLookup, systemLookup } from './host-addresses.ts'
import { TlsSessions } from './tls-sessions.ts'
import type { Trust } from './trust.ts'

export interface ConnectionOptions extends AddressPolicy {
  /** For name, connection and TLS handshake together; default 5000. */
  readonly connectTimeoutMs?: number
  /** Default: the system's resolver. */
  readonly lookup?: HostLookup
}

/** One way to an endpoint. */
export interface Way {
  readonly endpoint: Endpoint
  /** Absent for plain http. */
  readonly trust: Trust | undefined
  /** What is there, for messages: `token endpoint of OAuthProvider ns/name`. */
  readonly what: string
}

/** Fresh connections to authorization servers, to addresses that the policy allows. */
export class ServerConnections {
  readonly #options: ConnectionOptions
  readonly #lookup: HostLookup
  readonly #sessions = new TlsSessions()

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#lookup = options.lookup ?? systemLookup()
  }

  /**
   * The host is resolved once, all of its addresses are checked, and the connection goes to one of them.
   *
   * Failures: TOKEN_ENDPOINT_UNREACHABLE, ENDPOINT_NOT_ALLOWED.
   */
  async open({ endpoint, trust, what }: Way): Promise<Result<Socket>> {
    const deadlineMs = performance.now() + (this.#options.connectTimeoutMs ?? 5000)
    try {
      const addresses = await within(deadlineMs, this.#lookup(endpoint.host))
      if (!this.#areAllowed(addresses)) return failed(addressNotAllowed(what, this.#options))
      const timeoutMs = deadlineMs - performance.now()
      const sessions = this.#sessions
      return ok(await connect(endpoint, { addresses, sessions, timeoutMs, ...(trust && { trust }) }))
    } catch (error) {
      return failed(unreachable(what, classifyTransportError(error)))
    }
  }

  /** All of them, because which one is used is left to the network. */
  #areAllowed(addresses: readonly HostAddress[]): boolean {
    return addresses.every(({ address }) => mayReach(address, this.#options.allowPrivateAddresses))
  }
}

export function isOpen(socket: Socket): boolean {
  return !socket.destroyed && socket.writable && !socket.readableEnded
}

export function unreachable(what: string, why: string): Failure {
  return failure('TOKEN_ENDPOINT_UNREACHABLE', `The ${what} could not be reached: ${why}.`)
}

/** Does not tell the addresses: who may write a provider need not know what names mean inside the cluster. */
function addressNotAllowed(what: string, { allowPrivateAddresses }: AddressPolicy): Failure {
  const problem = allowPrivateAddresses
    ? 'has an address of the platform, which is allowed to nobody'
    : 'has an address that is not public'
  return failure('ENDPOINT_NOT_ALLOWED', `The host of the ${what} ${problem}.`)
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
