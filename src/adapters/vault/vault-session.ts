import { failed, ok, type Result } from '../../domain/result.ts'
import { sameSecret, type Sensitive } from '../../domain/sensitive.ts'
import { seconds } from '../../domain/time.ts'
import type { TokenStore, VaultBackend } from '../../domain/token-store.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Metrics, StoreOperation } from '../../ports/metrics.ts'
import type { SecretReader, ServiceAccountTokens } from '../../ports/secret-reader.ts'
import { saysCasMismatch, saysInvalidToken } from './classify.ts'
import type { AmbientCredentials } from './connection-policy.ts'
import type { VaultConnection, VaultExchange, VaultRequest } from './vault-connection.ts'
import { forgetCredentials, logIn, readLogin, type VaultLogin } from './vault-login.ts'

export interface SessionDeps {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly secrets: SecretReader
  readonly serviceAccountTokens: ServiceAccountTokens
  readonly ambientCredentials: AmbientCredentials
}

/** A login in use. */
interface Held {
  readonly login: VaultLogin
  readonly loggedInAtMs: number
  /** What the login began with; renewals that bring much less have met the end that Vault sets to all of them. */
  readonly fullTtlSeconds: number
  readonly renewAtMs: number
  readonly endsAtMs: number
}

/** Policies are bound at login, so a refusal may be cured by a new one; but not more often than this. */
const loginAgainMs = 60_000
/** A token of which nothing is known is looked at again this often. */
const lookAgainMs = 300_000
const shortestRenewalMs = 1_000
/** How soon a renewal that failed is tried again. */
const renewAgainMs = 30_000

/**
 * A login at one Vault, kept alive: renewed at two thirds of its life, replaced when renewals no
 * longer prolong it, and replaced once when Vault says that the token is invalid.
 *
 * Guarantees: never throws; one login or renewal at a time; a renewal that fails does no harm while
 * the token is good. A token that a human made is also renewed while nobody uses it, because
 * nothing could replace it.
 */
export class VaultSession {
  readonly #store: TokenStore
  readonly #backend: VaultBackend
  readonly #connection: VaultConnection
  readonly #deps: SessionDeps
  #held: Held | undefined
  #underWay: Promise<Result<Sensitive>> | undefined
  #cancelRenewal: () => void = () => undefined
  #index: string | undefined
  #closed = false

  constructor(store: TokenStore, backend: VaultBackend, connection: VaultConnection, deps: SessionDeps) {
    this.#store = store
    this.#backend = backend
    this.#connection = connection
    this.#deps = deps
  }

  /** Sends a request under the login; again under a new login if the old one turns out to be over. */
  async call(request: VaultRequest, operation: StoreOperation): Promise<Result<VaultExchange>> {
    const token = await this.#token()
    if (!token.ok) return token
    const exchange = await this.#send(request, operation, token.value)
    if (!this.#mayBeCuredByLogin(exchange)) return ok(exchange)
    this.#forget(token.value)
    const fresh = await this.#token()
    if (!fresh.ok) return fresh
    return ok(await this.#send(request, operation, fresh.value))
  }

  /** Ends the background renewal; the session must not be used again. */
  close(): void {
    this.#closed = true
    this.#cancelRenewal()
  }

  #mayBeCuredByLogin(exchange: VaultExchange): boolean {
    if (exchange.kind !== 'answered' || exchange.answer.status !== 403) return false
    if (saysInvalidToken(exchange.answer)) return true
    return this.#held !== undefined && this.#deps.clock.monotonicMs() - this.#held.loggedInAtMs >= loginAgainMs
  }

  /** Unless somebody else has already logged in again. */
  #forget(token: Sensitive): void {
    if (this.#held === undefined || !sameSecret(this.#held.login.token, token)) return
    this.#held = undefined
    forgetCredentials(this.#backend.auth, this.#store, this.#deps.secrets)
  }

  async #token(): Promise<Result<Sensitive>> {
    const held = this.#held
    const now = this.#deps.clock.monotonicMs()
    if (held !== undefined && now < Math.min(held.renewAtMs, held.endsAtMs)) return ok(held.login.token)
    this.#underWay ??= this.#prolong(held).finally(() => (this.#underWay = undefined))
    return this.#underWay
  }

  async #prolong(held: Held | undefined): Promise<Result<Sensitive>> {
    const renewed = held?.login.renewable === true ? await this.#renew(held) : undefined
    if (renewed !== undefined) return ok(this.#hold(renewed))
    const login = await this.#logIn()
    if (login.ok) return ok(this.#hold(this.#begin(login.value)))
    const now = this.#deps.clock.monotonicMs()
    if (held === undefined || now >= held.endsAtMs) return failed(login.failure)
    return ok(this.#hold({ ...held, renewAtMs: now + renewAgainMs }))
  }

  async #logIn(): Promise<Result<VaultLogin>> {
    const send = (request: VaultRequest, token?: Sensitive): Promise<VaultExchange> =>
      this.#send(request, 'login', token)
    const { auth } = this.#backend
    const login = await logIn(auth, this.#store, { ...this.#deps, now: () => this.#deps.clock.now(), send })
    if (!login.ok && login.failure.code === 'STORE_LOGIN_REJECTED') {
      forgetCredentials(auth, this.#store, this.#deps.secrets)
    }
    return login
  }

  /** Undefined when the token was not prolonged by at least half of what it began with. */
  async #renew(held: Held): Promise<Held | undefined> {
    const { token } = held.login
    const renewal = await this.#send({ method: 'POST', path: 'auth/token/renew-self' }, 'renew', token)
    const renewed = readLogin(renewal, { text: 'renew', now: this.#deps.clock.now() })
    if (!renewed.ok || (renewed.value.ttlSeconds ?? Infinity) < held.fullTtlSeconds / 2) return undefined
    const { loggedInAtMs, fullTtlSeconds } = held
    return { ...this.#begin({ ...renewed.value, token }), loggedInAtMs, fullTtlSeconds }
  }

  #begin(login: VaultLogin): Held {
    const now = this.#deps.clock.monotonicMs()
    const { ttlSeconds } = login
    if (ttlSeconds === undefined) {
      return { login, loggedInAtMs: now, fullTtlSeconds: 0, renewAtMs: now + lookAgainMs, endsAtMs: Infinity }
    }
    const renewAtMs = now + Math.max(shortestRenewalMs, (ttlSeconds * 1000 * 2) / 3)
    return { login, loggedInAtMs: now, fullTtlSeconds: ttlSeconds, renewAtMs, endsAtMs: now + ttlSeconds * 1000 }
  }

  #hold(held: Held): Sensitive {
    this.#held = held
    this.#cancelRenewal()
    const madeByHuman = this.#backend.auth.method === 'token'
    if (madeByHuman && held.login.renewable && !this.#closed) this.#renewInTime(held)
    return held.login.token
  }

  #renewInTime(held: Held): void {
    const { clock } = this.#deps
    // Timers may fire a little early; the next look is then due at once.
    const delayMs = Math.max(1, held.renewAtMs - clock.monotonicMs())
    this.#cancelRenewal = clock.wakeAfter(delayMs, () => {
      if (this.#held !== held) return
      if (clock.monotonicMs() < held.renewAtMs) this.#renewInTime(held)
      else void this.#token()
    })
  }

  async #send(request: VaultRequest, operation: StoreOperation, token?: Sensitive): Promise<VaultExchange> {
    const { clock, metrics } = this.#deps
    const startedMs = clock.monotonicMs()
    const exchange = await this.#connection.exchange(request, this.#headers(token))
    const works = exchange.kind === 'answered' && isWorkingAnswer(exchange.answer)
    metrics.storeRequest('vault', operation, works, seconds((clock.monotonicMs() - startedMs) / 1000))
    if (exchange.kind === 'answered') this.#index = exchange.answer.index ?? this.#index
    return exchange
  }

  /** With the index a standby that is behind hands the request on, so that what was written is what is read. */
  #headers(token: Sensitive | undefined): Readonly<Record<string, string>> {
    return {
      'x-vault-request': 'true',
      ...(token === undefined ? {} : { 'x-vault-token': token.reveal() }),
      ...(this.#backend.namespace === undefined ? {} : { 'x-vault-namespace': this.#backend.namespace }),
      ...(this.#index === undefined
        ? {}
        : { 'x-vault-index': this.#index, 'x-vault-inconsistent': 'forward-active-node' }),
    }
  }
}

/** 404 is how Vault says that a path is empty. */
function isWorkingAnswer(answer: Parameters<typeof saysCasMismatch>[0]): boolean {
  return answer.status < 300 || answer.status === 404 || saysCasMismatch(answer)
}
