/** A session ticket, with the time of the full handshake that it goes back to. */
export interface TlsSession {
  readonly ticket: Buffer
  /** Milliseconds on the monotonic clock. */
  readonly verifiedAtMs: number
}

const maxPeers = 256
const maxSessionsPerPeer = 8
// A resumed session skips the check of the certificate, so that an expired or distrusted one is noticed within the hour.
const maxAgeMs = 3_600_000

/**
 * Session tickets for TLS resumption: a full handshake costs several times the CPU of a resumed
 * one, and every refresh makes its own connection.
 *
 * A peer is a host, a port and what is trusted there: a ticket earned under one CA bundle is of no
 * use under another. Each ticket is used once (RFC 8446 appendix C.4).
 */
export class TlsSessions {
  readonly #now: () => number
  /** In the order of use, the longest unused first. */
  readonly #peers = new Map<string, TlsSession[]>()

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  take(peer: string): TlsSession | undefined {
    const sessions = this.#peers.get(peer) ?? []
    const session = sessions.pop()
    if (session === undefined) return undefined
    return this.#now() - session.verifiedAtMs < maxAgeMs ? session : this.take(peer)
  }

  /** `from`: the session that the connection resumed, if it did. */
  keep(peer: string, ticket: Buffer, from: TlsSession | undefined): void {
    const sessions = this.#peers.get(peer) ?? []
    sessions.push({ ticket, verifiedAtMs: from?.verifiedAtMs ?? this.#now() })
    if (sessions.length > maxSessionsPerPeer) sessions.shift()
    this.#peers.delete(peer)
    this.#peers.set(peer, sessions)
    const [oldest] = this.#peers.keys()
    if (this.#peers.size > maxPeers && oldest !== undefined) this.#peers.delete(oldest)
  }
}
