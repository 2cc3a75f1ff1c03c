import type { DocumentClaim } from '../../src/domain/document-claim.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { StoreDocument, StoredRefreshToken, TokensToStore } from '../../src/domain/tokens.ts'
import type { RefreshTokenLocation, RefreshTokenStore } from '../../src/ports/refresh-token-store.ts'
import type { Process } from './process.ts'
import type { LossCause, TokenLedger } from './token-ledger.ts'
import type { Violations } from './violations.ts'
import type { Wire } from './wire.ts'

/** A document as it was from one change to the next. */
interface Snapshot {
  readonly version: string
  readonly values: ReadonlyMap<string, string>
  readonly claims: ReadonlyMap<string, DocumentClaim>
  /** The version that was replaced by a write of the operator, with what was written. */
  readonly writtenOver?: string
}

interface StoredDocument {
  /** False for a document that can hold nothing beside its tokens. */
  readonly roomy: boolean
  current: Snapshot | undefined
  readonly past: Snapshot[]
}

/** The names of one place, and what is under them. */
export function placeOf(key: string, property: string | undefined): string {
  return `${key}#${property ?? ''}`
}

/** The owner of what another cluster has claimed. */
export const elsewhere = 'elsewhere/6f1c0a52'

const noDocument: Snapshot = { version: 'none', values: new Map(), claims: new Map() }
/** As many versions as a store keeps. */
const keptVersions = 10

/** The store: versions, compare-and-set, and people and tools who change what is in it. */
export class StoreModel {
  readonly #documents = new Map<string, StoredDocument>()
  /** Refresh tokens that a human put there, by place, until the operator has presented them. */
  readonly humanTokens = new Map<string, string>()
  readonly #wire: Wire
  readonly #ledger: TokenLedger
  readonly #violations: Violations
  #versions = 0

  constructor(wire: Wire, ledger: TokenLedger, violations: Violations) {
    this.#wire = wire
    this.#ledger = ledger
    this.#violations = violations
  }

  create(key: string, roomy: boolean): void {
    this.#documents.set(key, { roomy, current: undefined, past: [] })
  }

  /** What is at a place now. */
  token(place: string): string | undefined {
    const [key = '', property = ''] = place.split('#', 2)
    return this.#documents.get(key)?.current?.values.get(property)
  }

  claim(place: string): DocumentClaim | undefined {
    const [key = '', property = ''] = place.split('#', 2)
    return this.#documents.get(key)?.current?.claims.get(property)
  }

  /** A human, or a tool, puts a token there. Claims stay. */
  put(place: string, token: string, cause: LossCause): void {
    const [key = '', property = ''] = place.split('#', 2)
    const { values, claims } = this.#documents.get(key)?.current ?? noDocument
    this.#change(key, { values: new Map(values).set(property, token), claims }, cause)
    this.humanTokens.set(place, token)
  }

  /** A human changes the document beside its tokens, or what claims it. */
  touch(key: string, claims?: ReadonlyMap<string, DocumentClaim>): void {
    const current = this.#documents.get(key)?.current
    if (current !== undefined) this.#change(key, { ...current, ...(claims && { claims }) }, 'human')
  }

  /** Another cluster puts its claim there, or takes it away. False where there is no room for one. */
  claimElsewhere(place: string, claim: DocumentClaim | undefined): boolean {
    const [key = '', property = ''] = place.split('#', 2)
    const document = this.#documents.get(key)
    if (document?.roomy !== true || document.current === undefined) return false
    const claims = new Map(document.current.claims)
    if (claim === undefined) claims.delete(property)
    else claims.set(property, claim)
    this.touch(key, claims)
    return true
  }

  delete(key: string): void {
    this.#change(key, undefined, 'human')
  }

  /** The document becomes what it was some changes ago. False when it has no past. */
  rollBack(key: string, changes: number, cause: LossCause | undefined): boolean {
    const document = this.#documents.get(key)
    const former = document?.past.at(-changes)
    if (document === undefined || former === undefined) return false
    this.#change(key, former, cause)
    document.current = former
    for (const [property, token] of former.values) {
      // What comes back that way is nobody's login.
      this.humanTokens.delete(placeOf(key, property))
      const fact = this.#ledger.find(token)
      if (fact !== undefined) fact.broughtBackAtMs = this.#wire.nowMs
    }
    return true
  }

  keys(): readonly string[] {
    return [...this.#documents.keys()]
  }

  port(process: Process): RefreshTokenStore {
    const call = <T>(
      operation: string,
      location: RefreshTokenLocation,
      effect: (stale: boolean) => Result<T>,
    ): Promise<Result<T>> =>
      this.#wire.call(process, {
        service: 'store',
        operation,
        about: placeOf(location.key, location.property),
        effect,
        unavailable: (ambiguous) =>
          failed(
            failure(
              ambiguous && operation !== 'read' && operation !== 'prove' ? 'STORE_WRITE_UNKNOWN' : 'STORE_UNAVAILABLE',
              `The store did not answer about "${location.key}".`,
            ),
          ),
      })
    return {
      readDocument: (location) => call('read', location, () => documentOf(this.#read(location, false))),
      read: (location) => call('read', location, (stale) => this.#read(location, stale)),
      writeBack: (location, base, tokens) => call('write', location, () => this.#write(location, base, tokens)),
      proveWritable: (location, base) => call('prove', location, () => this.#prove(process, location, base)),
      claim: (location, base, claim) => call('claim', location, () => this.#claim(location, base, claim)),
    }
  }

  #read(location: RefreshTokenLocation, stale: boolean): Result<StoredRefreshToken> {
    const document = this.#documents.get(location.key)
    const snapshot = stale ? (document?.past.at(-1) ?? document?.current) : document?.current
    return this.#stored(location, snapshot)
  }

  #stored({ key, property }: RefreshTokenLocation, snapshot: Snapshot | undefined): Result<StoredRefreshToken> {
    const token = snapshot?.values.get(property ?? '')
    if (snapshot === undefined || token === undefined) {
      return failed(failure('REFRESH_TOKEN_MISSING', `There is no refresh token at "${key}".`))
    }
    const claim = snapshot.claims.get(property ?? '')
    return ok({
      refreshToken: new Sensitive(token),
      version: snapshot.version,
      document: new Sensitive(`${snapshot.version} ${token}`),
      ...(this.#documents.get(key)?.roomy === true && {
        claim: claim === undefined ? ({ kind: 'free' } as const) : ({ kind: 'claimed', claim } as const),
      }),
    })
  }

  #prove(process: Process, { key }: RefreshTokenLocation, base: StoredRefreshToken): Result<void> {
    if (this.#documents.get(key)?.current?.version !== base.version) return conflict(key)
    process.provenAtMs.set(base.refreshToken.reveal(), this.#wire.nowMs)
    return ok(undefined)
  }

  #write(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    { refreshToken, mark }: TokensToStore,
  ): Result<StoredRefreshToken> {
    const { key, property = '' } = location
    const token = refreshToken?.reveal() ?? ''
    const current = this.#documents.get(key)?.current ?? noDocument
    if (current.writtenOver === `${base.version} ${token}`) return this.#stored(location, current)
    if (current.version !== base.version) return conflict(key)
    this.#judgeOverwrite(placeOf(key, property), token)
    const values = new Map(current.values).set(property, token)
    this.#change(
      key,
      { values, claims: marked(current.claims, property, mark), writtenOver: `${base.version} ${token}` },
      undefined,
    )
    return this.#stored(location, this.#documents.get(key)?.current)
  }

  #claim(location: RefreshTokenLocation, base: StoredRefreshToken, claim: DocumentClaim): Result<StoredRefreshToken> {
    const { key, property = '' } = location
    const current = this.#documents.get(key)?.current
    if (current?.writtenOver === `${base.version} ${claim.owner}`) return this.#stored(location, current)
    if (current === undefined || current.version !== base.version) return conflict(key)
    if (current.claims.get(property)?.owner === elsewhere)
      this.#violations.add(`A claim of another cluster on ${key} is overwritten.`)
    const claims = new Map(current.claims).set(property, claim)
    this.#change(key, { values: current.values, claims, writtenOver: `${base.version} ${claim.owner}` }, undefined)
    return this.#stored(location, this.#documents.get(key)?.current)
  }

  /** A token that a human put there is overwritten by its own successor, or when it is one that was used before. */
  #judgeOverwrite(place: string, token: string): void {
    const there = this.token(place)
    if (there === undefined || this.humanTokens.get(place) !== there) return
    const fact = this.#ledger.find(there)
    if (fact?.state === 'spent' || fact?.family.revoked === true) return
    if (fact !== undefined && this.#ledger.find(token)?.family === fact.family) return
    this.#violations.add(`The token ${there} that a human put at ${place} is overwritten by ${token}.`)
  }

  #change(key: string, next: Omit<Snapshot, 'version'> | undefined, cause: LossCause | undefined): void {
    const document = this.#documents.get(key)
    if (document === undefined) throw new Error(`there is no place for ${key}`)
    const before = document.current
    if (before !== undefined) document.past.push(before)
    if (document.past.length > keptVersions) document.past.shift()
    this.#versions += 1
    document.current = next === undefined ? undefined : { ...next, version: `v${this.#versions}` }
    this.#violations.note(() => `store: ${key} is now ${describe(document.current)}`)
    for (const token of tokensOf(next)) this.#ledger.gained(this.#ledger.find(token), 'store')
    for (const token of tokensOf(before)) this.#ledger.dropped(this.#ledger.find(token), 'store', cause)
  }
}

function tokensOf(snapshot: Pick<Snapshot, 'values'> | undefined): Iterable<string> {
  return snapshot?.values.values() ?? []
}

function documentOf(stored: Result<StoredRefreshToken>): Result<StoreDocument> {
  return stored.ok ? ok({ text: stored.value.document, version: stored.value.version }) : stored
}

/** A claim says which token the operator wrote last. */
function marked(claims: Snapshot['claims'], property: string, mark: DocumentClaim['mark']): Snapshot['claims'] {
  const claim = claims.get(property)
  return claim === undefined || mark === undefined ? claims : new Map(claims).set(property, { ...claim, mark })
}

function conflict(key: string): Result<never> {
  return failed(failure('STORE_CONFLICT', `The document "${key}" is not the one that was read.`))
}

function describe(snapshot: Snapshot | undefined): string {
  return snapshot === undefined ? 'gone' : `${snapshot.version} {${[...snapshot.values].flat().join(' ')}}`
}
