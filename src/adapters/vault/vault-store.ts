import type { DocumentClaim } from '../../domain/document-claim.ts'
import { type Failure, failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import { putClaim } from '../../domain/token-document-claim.ts'
import { readStoredToken } from '../../domain/token-document-stored.ts'
import { replaceTokens } from '../../domain/token-document.ts'
import { storeText } from '../../domain/token-store.ts'
import type { RotatedTokens } from '../../domain/tokens.ts'
import type {
  RefreshTokenLocation,
  RefreshTokenStore,
  StoreDocument,
  StoredRefreshToken,
} from '../../ports/refresh-token-store.ts'
import { classifyExchange, saysCasMismatch } from './classify.ts'
import {
  casOf,
  documentOf,
  explainMissing,
  impossibleCas,
  type KvDocument,
  kvPath,
  versionText,
} from './kv-document.ts'
import { KvWritten, parseJson } from './schema.ts'
import { type ClientDeps, VaultClients } from './vault-clients.ts'
import type { VaultExchange } from './vault-connection.ts'
import type { VaultSession } from './vault-session.ts'

/**
 * Refresh tokens in the KV version 2 engine of Vault or OpenBao. The document is the JSON object at
 * a path, character for character as Vault sends it. (Vault itself sorts the members, and rounds
 * numbers beyond 2^53 when anybody writes them.)
 *
 * The version is Vault's version number with the time of its creation: numbers begin again when
 * somebody deletes the metadata. A write carries the number as `cas`, which knows nothing of that
 * time. So the path is read before a write, unless a proof has just read it and the number is one
 * that new metadata does not reach meanwhile. Then a version that was deleted since the proof is
 * followed by ours.
 *
 * A proof of writability reads the document and sends it back with a `cas` that never matches.
 *
 * Needs `read` and `create` or `update` on `<mount>/data/<key>`. Failures beyond the port's:
 * STORE_INVALID when there is no KV version 2 engine at the mount.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
 */
export class VaultStore implements RefreshTokenStore {
  readonly #deps: ClientDeps
  readonly #clients: VaultClients
  /** When proofs began to look at documents, by what they found there; on the monotonic clock. */
  readonly #provenAtMs = new WeakMap<StoredRefreshToken, number>()

  constructor(deps: ClientDeps) {
    this.#deps = deps
    this.#clients = new VaultClients(deps)
  }

  async readDocument(location: RefreshTokenLocation): Promise<Result<StoreDocument>> {
    const session = await this.#clients.session(location.store)
    return session.ok ? this.#document(session.value, location) : session
  }

  async read(location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    const session = await this.#clients.session(location.store)
    return session.ok ? this.#read(session.value, location) : session
  }

  async writeBack(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    tokens: RotatedTokens,
  ): Promise<Result<StoredRefreshToken>> {
    return this.#write(location, base, replaceTokens(base.document, location.property, tokens))
  }

  async proveWritable(location: RefreshTokenLocation, base: StoredRefreshToken): Promise<Result<void>> {
    const session = await this.#clients.session(location.store)
    if (!session.ok) return session
    const startedMs = this.#deps.clock.monotonicMs()
    const [current, refusal] = await Promise.all([
      this.#document(session.value, location),
      this.#tryImpossiblePut(session.value, location, base),
    ])
    if (!current.ok) return isAboutDocument(current.failure) ? conflict(location) : current
    if (current.value.version !== base.version) return conflict(location)
    const problem = refusal ?? unfitness(current.value, location)
    if (problem !== undefined) return failed(problem)
    this.#provenAtMs.set(base, startedMs)
    return ok(undefined)
  }

  async claim(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    claim: DocumentClaim,
  ): Promise<Result<StoredRefreshToken>> {
    return this.#write(location, base, putClaim(base.document, location.property, claim, 'object'))
  }

  /** Ends background renewals and lets requests in flight end. */
  async close(): Promise<void> {
    await this.#clients.close()
  }

  async #write(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    document: Sensitive,
  ): Promise<Result<StoredRefreshToken>> {
    if (document.reveal() === base.document.reveal()) return ok(base)
    const session = await this.#clients.session(location.store)
    if (!session.ok) return session
    const next = { location, base, document, session: session.value }
    if (this.#wasJustProven(base)) return this.#put(next)
    const current = await this.#read(next.session, location)
    if (!current.ok) return isAboutDocument(current.failure) ? conflict(location) : current
    if (current.value.version !== base.version) return unlessWritten(current, next)
    return this.#put(next)
  }

  #wasJustProven(base: StoredRefreshToken): boolean {
    const provenAtMs = this.#provenAtMs.get(base)
    if (provenAtMs === undefined || casOf(base.version) <= numbersSoonReached) return false
    return this.#deps.clock.monotonicMs() - provenAtMs < proofLastsMs
  }

  async #read(session: VaultSession, location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    const document = await this.#document(session, location)
    if (!document.ok) return document
    const found = readStoredToken(document.value.text, document.value.version, location.property)
    if (found.ok) return ok(found.stored)
    const code = found.problem === 'missing' ? 'REFRESH_TOKEN_MISSING' : 'REFRESH_TOKEN_MALFORMED'
    return failed(about(location, code, found.detail))
  }

  async #document(session: VaultSession, location: RefreshTokenLocation): Promise<Result<KvDocument>> {
    const exchange = await session.call({ method: 'GET', path: kvPath(location) }, 'read')
    if (!exchange.ok) return exchange
    const document = documentOf(exchange.value)
    if (document === 'missing') return failed(await explainMissing(exchange.value, session, location))
    return document === undefined ? failed(this.#failure('read', exchange.value, location)) : ok(document)
  }

  /** Sends the document as it is, so that nothing is lost where somebody ignores the `cas`. */
  async #tryImpossiblePut(
    session: VaultSession,
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
  ): Promise<Failure | undefined> {
    const body = putBody(impossibleCas, base.document)
    const result = await session.call({ method: 'PUT', path: kvPath(location), body }, 'write')
    if (!result.ok) return result.failure
    const exchange = result.value
    if (exchange.kind !== 'answered' || exchange.answer.status >= 300) {
      const expected = exchange.kind === 'answered' && saysCasMismatch(exchange.answer)
      return expected ? undefined : this.#failure('prove that it may write', exchange, location)
    }
    return about(location, 'STORE_INVALID', 'was written against a check-and-set, which KV version 2 never does')
  }

  /** The `cas` makes a second try harmless: if the first one was carried out, it no longer matches. */
  async #put(next: NextDocument): Promise<Result<StoredRefreshToken>> {
    const first = await this.#tryPut(next)
    if (first.kind !== 'unknown') return this.#settle(first, next)
    const second = await this.#tryPut(next)
    return second.kind === 'refused' ? failed(writeUnknown(next.location)) : this.#settle(second, next)
  }

  async #settle(outcome: PutOutcome, next: NextDocument): Promise<Result<StoredRefreshToken>> {
    switch (outcome.kind) {
      case 'written':
        return ok(outcome.stored)
      case 'refused':
        return failed(outcome.failure)
      case 'unknown':
        return failed(writeUnknown(next.location))
      case 'mismatch': {
        const current = await this.#read(next.session, next.location)
        if (current.ok) return unlessWritten(current, next)
        return isAboutDocument(current.failure) ? conflict(next.location) : failed(writeUnknown(next.location))
      }
    }
  }

  async #tryPut({ session, location, base, document }: NextDocument): Promise<PutOutcome> {
    const body = putBody(casOf(base.version), document)
    const result = await session.call({ method: 'PUT', path: kvPath(location), body }, 'write')
    if (!result.ok) return { kind: 'refused', failure: result.failure }
    const exchange = result.value
    if (exchange.kind === 'answered' && exchange.answer.status === 200) {
      const written = KvWritten.safeParse(parseJson(exchange.answer.body))
      if (!written.success) return { kind: 'unknown' }
      const found = readStoredToken(document, versionText(written.data.data), location.property)
      return found.ok ? { kind: 'written', stored: found.stored } : { kind: 'unknown' }
    }
    if (exchange.kind === 'answered' && saysCasMismatch(exchange.answer)) return { kind: 'mismatch' }
    if (mayBeCarriedOut(exchange)) return { kind: 'unknown' }
    return { kind: 'refused', failure: this.#failure('write', exchange, location) }
  }

  #failure(
    doing: 'read' | 'write' | 'prove that it may write',
    exchange: VaultExchange,
    { key, store }: RefreshTokenLocation,
  ): Failure {
    const text = `${doing} the document "${key}" of ${storeText(store)}`
    return classifyExchange(exchange, { text, now: this.#deps.clock.now() })
  }
}

/** Longer than most token requests take; who needs longer pays with another read. */
const proofLastsMs = 15_000
/** A document whose metadata was deleted and made anew has such a number within moments, and no larger one. */
const numbersSoonReached = 4
/** A refresh token has to survive an outage of the operator over a long weekend. */
const shortestLifeSeconds = 7 * 86_400

/** A document on its way into the store. */
interface NextDocument {
  readonly session: VaultSession
  readonly location: RefreshTokenLocation
  readonly base: StoredRefreshToken
  readonly document: Sensitive
}

type PutOutcome =
  | { readonly kind: 'written'; readonly stored: StoredRefreshToken }
  /** Proven: not carried out by this request. */
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'unknown' }

/** A sealed Vault and a standby refuse before they touch the storage; other server errors can follow a commit. */
function mayBeCarriedOut(exchange: VaultExchange): boolean {
  if (exchange.kind === 'broken') return exchange.sent
  return exchange.answer.status >= 500 && exchange.answer.status !== 503
}

/** The same tokens over the same base, a second time: what stands there is what the first time wrote. */
function unlessWritten(
  current: Result<StoredRefreshToken> & { ok: true },
  { location, document }: NextDocument,
): Result<StoredRefreshToken> {
  return sameJson(current.value.document, document) ? current : conflict(location)
}

/** Vault sorts members and may escape other characters than we do. */
function sameJson(a: Sensitive, b: Sensitive): boolean {
  return canonical(parseJson(a)) === canonical(parseJson(b))
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

function isAboutDocument({ code }: Failure): boolean {
  return code === 'REFRESH_TOKEN_MISSING' || code === 'REFRESH_TOKEN_MALFORMED'
}

function putBody(cas: number, document: Sensitive): Sensitive {
  return new Sensitive(`{"options":{"cas":${cas}},"data":${document.reveal()}}`)
}

function unfitness({ life }: KvDocument, location: RefreshTokenLocation): Failure | undefined {
  if (life === undefined || life.lengthSeconds >= shortestLifeSeconds) return undefined
  const what = `is deleted by Vault itself at ${life.endsAt}, because delete_version_after of it or of its mount is ${life.lengthSeconds}s`
  return about(location, 'STORE_UNFIT', what)
}

function conflict(location: RefreshTokenLocation): Result<never> {
  return failed(about(location, 'STORE_CONFLICT', 'is not the one that was read any more'))
}

function about({ key, store }: RefreshTokenLocation, code: Failure['code'], clause: string): Failure {
  return failure(code, `The document "${key}" of ${storeText(store)} ${clause}.`)
}

function writeUnknown({ key, store }: RefreshTokenLocation): Failure {
  const what = `Whether the document "${key}" of ${storeText(store)} was written is not known: no usable answer came.`
  return failure('STORE_WRITE_UNKNOWN', what)
}
