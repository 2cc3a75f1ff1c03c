import { type Provider, providerText } from '../../domain/provider.ts'
import type { Result } from '../../domain/result.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ServerMetadata } from './server-metadata.ts'

/** Brings metadata from the server. */
export type FetchMetadata = (provider: Provider, issuer: string) => Promise<Result<ServerMetadata>>

interface Entry {
  /** Of the manifest that the metadata were fetched for: its trust, its client. */
  readonly generation: number
  readonly issuer: string
  /** The last metadata that were good. */
  good?: Result<ServerMetadata> & { readonly ok: true }
  /** How the last fetch ended. */
  last?: Result<ServerMetadata>
  freshUntilMs: number
  /** Not asked before. */
  nextFetchMs: number
  underWay?: Promise<Result<ServerMetadata>>
}

const freshMs = 3_600_000
/** Between two fetches, whatever makes the metadata doubtful. */
const pauseMs = 10_000
const mostEntries = 1024

/**
 * Metadata of issuers, one fetch at a time for each provider. They are good for an hour, and beyond it for as
 * long as no others can be had: a server that tells nothing about itself may well go on issuing tokens.
 *
 * Nothing is shared between providers, because each says for itself whom it trusts.
 */
export class MetadataCache {
  readonly #fetch: FetchMetadata
  readonly #clock: Clock
  /** In the order of use, the longest unused first. */
  readonly #entries = new Map<string, Entry>()

  constructor(fetch: FetchMetadata, clock: Clock) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /** Failures: those of the fetch, and only where there are no older metadata. */
  async of(provider: Provider, issuer: string): Promise<Result<ServerMetadata>> {
    const entry = this.#entry(provider, issuer)
    const nowMs = this.#clock.monotonicMs()
    const isDue = nowMs >= entry.freshUntilMs && nowMs >= entry.nextFetchMs
    if (isDue || entry.last === undefined) {
      entry.underWay ??= this.#renew(entry, provider, issuer)
      return entry.underWay
    }
    return entry.good ?? entry.last
  }

  /** What the metadata say has not held: they are fetched again before they are used next. */
  doubt(provider: Provider): void {
    const entry = this.#entries.get(providerText(provider))
    if (entry !== undefined) entry.freshUntilMs = 0
  }

  async #renew(entry: Entry, provider: Provider, issuer: string): Promise<Result<ServerMetadata>> {
    try {
      const fetched = await this.#fetch(provider, issuer)
      const nowMs = this.#clock.monotonicMs()
      entry.last = fetched
      entry.nextFetchMs = nowMs + pauseMs
      if (fetched.ok) {
        entry.good = fetched
        entry.freshUntilMs = nowMs + freshMs
      }
      return entry.good ?? fetched
    } finally {
      delete entry.underWay
    }
  }

  #entry(provider: Provider, issuer: string): Entry {
    const name = providerText(provider)
    const { generation } = provider
    const known = this.#entries.get(name)
    const isSame = known?.generation === generation && known.issuer === issuer
    const entry: Entry = isSame ? known : { generation, issuer, freshUntilMs: 0, nextFetchMs: 0 }
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > mostEntries && oldest !== undefined) this.#entries.delete(oldest)
    return entry
  }
}
