import type { ClaimState, DocumentClaim } from '../../src/domain/document-claim.ts'
import { type Failure, failure } from '../../src/domain/failures.ts'
import type { JournalEntry } from '../../src/domain/journal-entry.ts'
import { present } from '../../src/domain/present.ts'
import type { TokenKeys } from '../../src/domain/previous-key.ts'
import {
  type FoundTokens,
  type PreviousToken,
  previousToken,
  withPreviousFile,
} from '../../src/domain/previous-token.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { isIssuedLater } from '../../src/domain/publication-order.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { EpochSeconds } from '../../src/domain/time.ts'
import type { TargetState } from '../../src/domain/target-state.ts'
import { storeText } from '../../src/domain/token-store.ts'
import type { TokenExchange } from '../../src/domain/token-exchange.ts'
import type { RotatedTokens, StoreDocument, StoredRefreshToken } from '../../src/domain/tokens.ts'
import type {
  AccessTokenSink,
  Publication,
  Published,
  Publishing,
  TargetIdentity,
  TargetRemoval,
} from '../../src/ports/access-token-sink.ts'
import type { CredentialEvent, EventRecorder } from '../../src/ports/event-recorder.ts'
import type { LogFields, Logger } from '../../src/ports/logger.ts'
import type { AnsweredEntry, ArmedEntry, RefreshJournal, SentEntry } from '../../src/ports/refresh-journal.ts'
import type { RefreshTokenLocation, RefreshTokenStore } from '../../src/ports/refresh-token-store.ts'
import type { TokenEndpoint, TokenRequest, TokenStanding } from '../../src/ports/token-endpoint.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { canary, observeOutput } from './canary.ts'
import { checkLogFields } from './log-fields.ts'

/**
 * A store of refresh tokens with versions, and beside each a claim if there is room for one; faults
 * are switched on from outside.
 */
export class MemoryStore implements RefreshTokenStore {
  readonly tokens = new Map<string, string>()
  readonly claims = new Map<string, DocumentClaim>()
  readonly #versions = new Map<string, number>()
  reads = 0
  writes = 0
  proofs = 0
  claimWrites = 0
  /** Whether documents have room for a claim. */
  hasRoom = false
  readFault: Failure | undefined
  /** Documents that do not answer, while others do. */
  readonly unreachable = new Set<string>()
  /** Of write-backs and of claims. */
  writeFault: Failure | undefined
  /** What a proof of writability finds. Switched on alone, writes still succeed; and the other way round. */
  writableFault: Failure | undefined
  /** Runs between the moment a write is asked for and the moment it takes place. */
  beforeWrite: (() => void) | undefined

  /** Puts a whole document, as a human does: a claim in the one before is gone with it. */
  put(key: string, token: string): void {
    this.claims.delete(key)
    this.#write(key, token)
  }

  readDocument({ key }: RefreshTokenLocation): Promise<Result<StoreDocument>> {
    this.reads += 1
    const text = this.tokens.get(key)
    if (this.readFault !== undefined) return Promise.resolve(failed(this.readFault))
    if (text === undefined) return Promise.resolve(failed(nothingAt(key)))
    return Promise.resolve(ok({ text: new Sensitive(text), version: this.#version(key) }))
  }

  read({ key }: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    this.reads += 1
    const token = this.tokens.get(key)
    if (this.readFault !== undefined) return Promise.resolve(failed(this.readFault))
    if (this.unreachable.has(key))
      return Promise.resolve(failed(failure('STORE_UNAVAILABLE', `${key} did not answer.`)))
    if (token === undefined) {
      return Promise.resolve(failed(nothingAt(key)))
    }
    return Promise.resolve(ok(this.#stored(key, token)))
  }

  writeBack(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    tokens: RotatedTokens,
  ): Promise<Result<StoredRefreshToken>> {
    const { key } = location
    this.beforeWrite?.()
    if (this.writeFault !== undefined) return Promise.resolve(failed(this.writeFault))
    if (!this.tokens.has(key)) return Promise.resolve(failed(nothingAt(key)))
    if (base.version !== this.#version(key)) return this.#conflict(location)
    this.writes += 1
    if (tokens.refreshToken !== undefined) this.#write(key, tokens.refreshToken.reveal())
    return Promise.resolve(ok(this.#stored(key, this.tokens.get(key) ?? '')))
  }

  proveWritable(location: RefreshTokenLocation, base: StoredRefreshToken): Promise<Result<void>> {
    const { key } = location
    this.proofs += 1
    if (this.writableFault !== undefined) return Promise.resolve(failed(this.writableFault))
    return base.version === this.#version(key) ? Promise.resolve(ok(undefined)) : this.#conflict(location)
  }

  claim(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    claim: DocumentClaim,
  ): Promise<Result<StoredRefreshToken>> {
    if (base.claim === undefined) throw new Error('a claim was put into a document that has no room for one')
    const { key } = location
    this.beforeWrite?.()
    if (this.writeFault !== undefined) return Promise.resolve(failed(this.writeFault))
    const token = this.tokens.get(key) ?? ''
    const isThere = this.claims.get(key)?.owner === claim.owner && token === base.refreshToken.reveal()
    if (isThere) return Promise.resolve(ok(this.#stored(key, token)))
    if (base.version !== this.#version(key)) return this.#conflict(location)
    this.#putClaim(key, claim)
    this.#write(key, token)
    return Promise.resolve(ok(this.#stored(key, token)))
  }

  /** The key stays for as long as the document does. */
  #putClaim(key: string, claim: DocumentClaim): void {
    this.claimWrites += 1
    this.claims.set(key, { ...claim, sealingKey: this.claims.get(key)?.sealingKey ?? claim.sealingKey })
  }

  #write(key: string, token: string): void {
    this.tokens.set(key, token)
    this.#versions.set(key, (this.#versions.get(key) ?? 0) + 1)
  }

  #version(key: string): string {
    return `v${this.#versions.get(key) ?? 0}`
  }

  #conflict({ key, store }: RefreshTokenLocation): Promise<Result<never>> {
    return Promise.resolve(
      failed(failure('STORE_CONFLICT', `The document "${key}" of ${storeText(store)} has changed.`)),
    )
  }

  #stored(key: string, token: string): StoredRefreshToken {
    const stored = { refreshToken: new Sensitive(token), version: this.#version(key), document: new Sensitive(token) }
    const found = this.claims.get(key)
    const claim: ClaimState = found === undefined ? { kind: 'free' } : { kind: 'claimed', claim: found }
    return this.hasRoom ? { ...stored, claim } : stored
  }
}

function nothingAt(key: string): Failure {
  return failure('REFRESH_TOKEN_MISSING', `There is no document at "${key}".`)
}

/**
 * An authorization server in memory that rotates refresh tokens and kills the whole family when an
 * old one comes back. `next` answers once in its own way instead.
 */
export class MemoryTokenEndpoint implements TokenEndpoint {
  readonly #live = new Map<string, string>()
  readonly #spent = new Map<string, string>()
  readonly issuedAccessTokens: string[] = []
  requests = 0
  reuses = 0
  lifetimeSeconds = 3600
  /** Further members of each answer that brings tokens. */
  told: () => Readonly<Record<string, unknown>> = () => ({})
  rotates = true
  introspections = 0
  /** What the server says of any access token; absent: whether it is one of its own. */
  standing: Result<TokenStanding> | undefined
  /** When the client's Secret was last changed. */
  clientChangedAt: EpochSeconds | undefined
  /** For how long a used refresh token is taken again, and answered with the same successor. */
  leewaySeconds = 0
  now: () => number = () => 0
  readonly #successors = new Map<string, { readonly next: string; readonly until: number }>()
  /** `lost-answer`: the server acts, nobody hears of it. A function answers instead of the server. */
  next: (() => TokenExchange) | 'lost-answer' | undefined
  /** Resolves before the request is sent; a test holds it back to keep a refresh under way. */
  gate: Promise<void> | undefined

  login(): string {
    const token = canary('rt')
    this.#live.set(token, `family-${this.#live.size}`)
    return token
  }

  /** Which login a token descends from; undefined when it was revoked, or is none. */
  loginOf(token: string): string | undefined {
    return this.#live.get(token) ?? this.#spent.get(token)
  }

  isLive(token: string): boolean {
    return this.#live.has(token)
  }

  async request(...[request, beforeSend, answered]: Parameters<TokenEndpoint['request']>): Promise<TokenExchange> {
    const came = await this.#exchange(request, beforeSend)
    if (came.kind === 'answered') answered?.(came.answer)
    return came
  }

  async #exchange({ grant }: TokenRequest, beforeSend: () => Promise<Result<void>>): Promise<TokenExchange> {
    await this.gate
    const may = await beforeSend()
    if (!may.ok) return { kind: 'not-sent', failure: may.failure }
    this.requests += 1
    const special = this.next
    this.next = undefined
    if (typeof special === 'function') return special()
    const exchange = this.#serve(grant)
    if (special !== 'lost-answer') return exchange
    return { kind: 'lost', failure: failure('TOKEN_RESULT_UNKNOWN', 'The connection to OAuthProvider gateway ended.') }
  }

  introspect(_provider: Provider, accessToken: Sensitive): Promise<Result<TokenStanding>> {
    this.introspections += 1
    const active = this.issuedAccessTokens.includes(accessToken.reveal())
    return Promise.resolve(this.standing ?? ok({ active }))
  }

  readonly revoked: string[] = []
  revocations = 0
  /** What comes of each revocation; absent: it works. */
  revocation: (() => Result<void> | Promise<Result<void>>) | undefined

  async revoke(_provider: Provider, accessToken: Sensitive): Promise<Result<void>> {
    this.revocations += 1
    const result = await (this.revocation?.() ?? ok(undefined))
    if (result.ok) this.revoked.push(accessToken.reveal())
    return result
  }

  clientSince(): Promise<EpochSeconds | undefined> {
    return Promise.resolve(this.clientChangedAt)
  }

  #serve(grant: TokenRequest['grant']): TokenExchange {
    return grant.type === 'refresh_token' ? this.#refresh(grant.refreshToken.reveal()) : this.#issue(undefined)
  }

  #refresh(token: string): TokenExchange {
    const again = this.#successors.get(token)
    if (again !== undefined && this.now() < again.until) return this.#issue(again.next)
    const family = this.#live.get(token)
    if (family === undefined) return this.#refuse(token)
    if (!this.rotates) return this.#issue(undefined)
    const next = canary('rt')
    this.#live.delete(token)
    this.#spent.set(token, family)
    this.#live.set(next, family)
    if (this.leewaySeconds > 0) this.#successors.set(token, { next, until: this.now() + this.leewaySeconds })
    return this.#issue(next)
  }

  #issue(refreshToken: string | undefined): TokenExchange {
    const accessToken = canary('at')
    this.issuedAccessTokens.push(accessToken)
    return answer(200, {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: this.lifetimeSeconds,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      ...this.told(),
    })
  }

  #refuse(token: string): TokenExchange {
    const family = this.#spent.get(token)
    if (family !== undefined) {
      this.reuses += 1
      for (const [live, owner] of this.#live) if (owner === family) this.#live.delete(live)
    }
    return answer(400, { error: 'invalid_grant' })
  }
}

/** A whole JSON answer of a token endpoint. */
export function answer(status: number, body: unknown): TokenExchange {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const contentType = typeof body === 'string' ? 'text/html' : 'application/json'
  return { kind: 'answered', answer: { status, contentType, body: new Sensitive(text), complete: true } }
}

export class MemoryJournal implements RefreshJournal {
  readonly kept = new Map<string, JournalEntry>()
  fault: Failure | undefined

  pending(uid: string): JournalEntry | undefined {
    return this.kept.get(uid)
  }

  entries(): Iterable<JournalEntry> {
    return this.kept.values()
  }

  armed(entry: ArmedEntry): Promise<Result<void>> {
    return this.#keep(entry)
  }

  sent(entry: SentEntry): Promise<Result<void>> {
    return this.#keep(entry)
  }

  answered(entry: AnsweredEntry): Promise<Result<void>> {
    return this.#keep(entry)
  }

  settled(uid: string): Promise<Result<void>> {
    if (this.fault !== undefined) return Promise.resolve(failed(this.fault))
    this.kept.delete(uid)
    return Promise.resolve(ok(undefined))
  }

  #keep(entry: JournalEntry): Promise<Result<void>> {
    if (this.fault !== undefined) return Promise.resolve(failed(this.fault))
    this.kept.set(entry.uid, entry)
    return Promise.resolve(ok(undefined))
  }
}

export class MemorySink implements AccessTokenSink {
  readonly published = new Map<string, ReadonlyMap<string, string>>()
  readonly #publications = new Map<string, Publication>()
  readonly #previous = new Map<string, PreviousToken>()
  readonly #clock: Pick<Clock, 'now'>
  readonly foreign = new Set<string>()
  /** Targets from which somebody took what says whose they are, until they are published again. */
  readonly unmarked = new Set<string>()
  /** Resolves before a publication is made; a test holds it back. */
  gate: Promise<void> | undefined
  observations = 0
  publications = 0
  rehearsals = 0
  /** How often the key of a previous token was to be emptied. */
  endings = 0
  fault: Failure | undefined
  rehearsalFault: Failure | undefined
  cleansUp = false
  removalFault: Failure | undefined

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  observe({ name, credentialUid }: TargetIdentity): Promise<Result<TargetState>> {
    this.observations += 1
    if (this.foreign.has(name)) return Promise.resolve(ok({ kind: 'foreign', owner: 'somebody else' }))
    const found = this.found(name)
    if (found === undefined) return Promise.resolve(ok({ kind: 'absent' }))
    const { identity, digest, issuedAt, expiresAt } = found
    const beside = this.#previous.get(name)
    if (identity.credentialUid !== credentialUid) {
      return Promise.resolve(ok({ kind: 'foreign', owner: 'another credential' }))
    }
    const previousExpiresAt = beside?.expiresAt
    const marked = this.unmarked.has(name) ? (false as const) : undefined
    return Promise.resolve(
      ok(present({ kind: 'ours' as const, digest, issuedAt, expiresAt, previousExpiresAt, intact: true, marked })),
    )
  }

  async publish(publication: Publication): Promise<Result<Publishing>> {
    await this.gate
    if (this.fault !== undefined) return failed(this.fault)
    const { identity, issuedAt } = publication
    const found = this.found(identity.name)
    const isOwn = found?.identity.credentialUid === identity.credentialUid
    if (isOwn && isIssuedLater(found.issuedAt, issuedAt, this.#clock.now())) return ok({ change: 'overtaken' })
    this.publications += 1
    this.unmarked.delete(identity.name)
    return ok(present({ change: 'changed' as const, beside: this.#replace(publication, found) }))
  }

  #replace(publication: Publication, found: Publication | undefined): Published | undefined {
    const { identity, files, previous, mark, issuedAt } = publication
    const there = found && previous?.isKept === true ? this.#tokensIn(found, previous) : undefined
    const next = { mark, issuedAt, accessToken: previous && files.get(previous.from) }
    const before = previousToken(there, next, this.#clock.now())
    if (before === undefined) this.#previous.delete(identity.name)
    else this.#previous.set(identity.name, before)
    this.put(previous ? { ...publication, files: withPreviousFile(files, previous.key, before) } : publication)
    return before && { previousExpiresAt: before.expiresAt }
  }

  #tokensIn({ identity, files, mark, issuedAt, expiresAt }: Publication, { from }: TokenKeys): FoundTokens {
    const beside = this.#previous.get(identity.name)
    const previous = { previous: beside?.value, previousExpiresAt: beside?.expiresAt }
    return present({ mark, issuedAt, expiresAt, accessToken: files.get(from), ...previous })
  }

  endPrevious({ name }: TargetIdentity, key: string): Promise<Result<void>> {
    this.endings += 1
    if (this.fault !== undefined) return Promise.resolve(failed(this.fault))
    const found = this.found(name)
    if (found !== undefined) this.put({ ...found, files: withPreviousFile(found.files, key, undefined) })
    this.#previous.delete(name)
    return Promise.resolve(ok(undefined))
  }

  /** As somebody does who restores a backup. */
  put(publication: Publication): void {
    const { identity, files } = publication
    this.published.set(identity.name, new Map([...files].map(([key, value]) => [key, value.reveal()])))
    this.#publications.set(identity.name, publication)
  }

  /** What was published last and is still there. */
  found(name: string): Publication | undefined {
    return this.published.has(name) ? this.#publications.get(name) : undefined
  }

  rehearse(): Promise<Result<void>> {
    this.rehearsals += 1
    const { rehearsalFault } = this
    return Promise.resolve(rehearsalFault === undefined ? ok(undefined) : failed(rehearsalFault))
  }

  held({ name, credentialUid }: TargetIdentity, { from }: TokenKeys): Promise<Result<FoundTokens>> {
    if (this.fault !== undefined) return Promise.resolve(failed(this.fault))
    const found = this.found(name)
    const isOwn = found?.identity.credentialUid === credentialUid
    return Promise.resolve(ok(isOwn ? this.#tokensIn(found, { from }) : {}))
  }

  remove({ name }: TargetIdentity): Promise<Result<TargetRemoval>> {
    if (this.removalFault !== undefined) return Promise.resolve(failed(this.removalFault))
    return Promise.resolve(ok(this.published.delete(name) ? 'removed' : 'absent'))
  }

  needsCleanup(): boolean {
    return this.cleansUp
  }
}

export class EventList implements EventRecorder {
  readonly events: CredentialEvent[] = []

  record(event: CredentialEvent): void {
    observeOutput('event', JSON.stringify(event))
    this.events.push(event)
  }

  reasons(): readonly string[] {
    return this.events.map(({ reason }) => reason)
  }
}

export class LogLines implements Logger {
  readonly lines: string[] = []

  debug(fields: LogFields, message: string): void {
    this.#keep('debug', fields, message)
  }

  info(fields: LogFields, message: string): void {
    this.#keep('info', fields, message)
  }

  warn(fields: LogFields, message: string): void {
    this.#keep('warn', fields, message)
  }

  error(fields: LogFields, message: string): void {
    this.#keep('error', fields, message)
  }

  #keep(level: string, fields: LogFields, message: string): void {
    checkLogFields(fields)
    const line = JSON.stringify({ level, ...fields, message })
    observeOutput('log', line)
    this.lines.push(line)
  }
}
