import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { type Provider, providerText } from '../../domain/provider.ts'
import { ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SecretReader } from '../../ports/secret-reader.ts'
import { type ClientProof, clientProofOf, proofSecrets } from './client-proof.ts'

/** A proof with a mark that tells it from others, and from which nobody outside of this process can tell what it is. */
export interface MarkedProof extends ClientProof {
  readonly mark: string
}

interface Seen {
  readonly mark: string
  readonly since: EpochSeconds
  isRefused: boolean
  lookedAtMs: number
}

/** Statuses with which servers refuse a client, among other things. */
const clientRefusals: ReadonlySet<number> = new Set([400, 401, 403])

const mostProviders = 1024
/** Many credentials ask after one client. */
const lookEveryMs = 10_000

/** The clients of all providers: by what each of them proves itself, and whether its server has refused that. */
export class Clients {
  readonly #secrets: SecretReader
  readonly #clock: Clock
  /** A key object: that bytes are none, Node would find out by an exception each time. */
  readonly #key = createSecretKey(randomBytes(32))
  /** In the order of use, the longest unused first. */
  readonly #seen = new Map<string, Seen>()
  readonly #looks = new Map<string, Promise<unknown>>()

  constructor(secrets: SecretReader, clock: Clock) {
    this.#secrets = secrets
    this.#clock = clock
  }

  /** Failures: as of {@link clientProofOf}. */
  async proofOf(provider: Provider): Promise<Result<MarkedProof>> {
    const proof = await clientProofOf(provider, this.#secrets, this.#clock.now())
    return proof.ok ? ok({ ...proof.value, mark: this.#saw(provider, proof.value.secrets) }) : proof
  }

  /**
   * Learns from the status of an answer to a proof. With some, servers refuse a client: what is in its Secret is
   * read again before it is used again. Only 401 is never about anything else, or hardly ever (RFC 6749 §5.2).
   */
  learn(provider: Provider, mark: string, status: number): void {
    const seen = this.#seen.get(providerText(provider))
    // Another one that was seen meanwhile stays as good as it was.
    if (seen?.mark === mark && (status === 200 || status === 401)) seen.isRefused = status === 401
    if (!clientRefusals.has(status)) return
    this.#forget(provider)
    if (seen !== undefined) seen.lookedAtMs = -Infinity
  }

  /** @see TokenEndpoint.clientSince */
  async since(provider: Provider): Promise<EpochSeconds | undefined> {
    const name = providerText(provider)
    const under = this.#looks.get(name)
    if (under !== undefined) await under
    else if (this.#isLookDue(name)) await this.#look(provider, name)
    const seen = this.#seen.get(name)
    return seen === undefined || seen.isRefused ? undefined : seen.since
  }

  async #look(provider: Provider, name: string): Promise<void> {
    this.#forget(provider)
    const look = this.proofOf(provider).finally(() => this.#looks.delete(name))
    this.#looks.set(name, look)
    const proof = await look
    // What cannot be used has the server's refusal of the one before no better.
    if (!proof.ok) this.#seen.delete(name)
  }

  #isLookDue(name: string): boolean {
    const seen = this.#seen.get(name)
    return seen === undefined || this.#clock.monotonicMs() >= seen.lookedAtMs + lookEveryMs
  }

  #saw(provider: Provider, secrets: readonly Sensitive[]): string {
    const hash = createHmac('sha256', this.#key).update(`${provider.generation}`)
    for (const secret of secrets) hash.update(` ${secret.reveal().length} ${secret.reveal()}`)
    const mark = hash.digest('base64')
    const name = providerText(provider)
    const known = this.#seen.get(name)
    const seen = known?.mark === mark ? known : { mark, since: this.#clock.now(), isRefused: false, lookedAtMs: 0 }
    seen.lookedAtMs = this.#clock.monotonicMs()
    this.#seen.delete(name)
    this.#seen.set(name, seen)
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > mostProviders && oldest !== undefined) this.#seen.delete(oldest)
    return mark
  }

  #forget({ client, namespace }: Provider): void {
    for (const name of proofSecrets(client)) this.#secrets.forget(namespace, name)
  }
}
