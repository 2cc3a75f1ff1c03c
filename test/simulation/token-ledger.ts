import type { Violations } from './violations.ts'

/** Through which named window a refresh token was lost, or by whose hand. */
export type LossCause = 'W1' | 'W2' | 'W3' | 'W4' | 'W5' | 'human' | 'superseded'

export type Holding = 'store' | 'record' | 'journal' | 'flight' | 'memory'

/** One login, and the refresh tokens that descend from it. */
export interface Family {
  readonly id: number
  /** Whose login: the place of its refresh token. */
  readonly place: string
  newest: RefreshTokenFact
  /** True once the authorization server refuses all of its tokens. */
  revoked: boolean
  /** True once a human put something else in its place, so that nobody misses it. */
  abandoned: boolean
  loss: LossCause | undefined
  /** True once a rollback put another login in its place, or brought it back: nobody can say then which is the newest. */
  returned: boolean
}

/** What is true of one refresh token, whoever knows it. */
export interface RefreshTokenFact {
  readonly text: string
  readonly fingerprint: string
  readonly family: Family
  readonly parent: RefreshTokenFact | undefined
  readonly generation: number
  readonly copies: Record<Holding, number>
  state: 'live' | 'spent'
  /** When it was first spent, in milliseconds. */
  spentAtMs: number
  successor: RefreshTokenFact | undefined
  /** True once a copy was in the store or in a record. */
  everDurable: boolean
  everStored: boolean
  /** When a rollback last put it back into the store, in milliseconds; -1 when none did. */
  broughtBackAtMs: number
  /** What took its last copy outside of a process. */
  orphanedBy: LossCause | undefined
}

export interface AccessTokenFact {
  readonly text: string
  readonly family: Family
  /** The refresh token that came with it, or the one it was issued for. */
  readonly refreshToken: RefreshTokenFact
  readonly serial: number
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** Marks every secret of the simulation, so that one search finds any of them in any text. */
export const secretMark = 'cnry-'

/**
 * Knows of every token where its copies are. A token is lost the moment its last copy is gone; the
 * fault at work then is the cause.
 */
export class TokenLedger {
  readonly families: Family[] = []
  readonly #refreshTokens = new Map<string, RefreshTokenFact>()
  readonly #accessTokens = new Map<string, AccessTokenFact>()
  readonly #violations: Violations
  /** Whether somebody has put something else where the token belongs, or claimed it, at a place that its credential has left once. */
  isTakenAway: (token: RefreshTokenFact) => boolean = () => false
  #serial = 0

  constructor(violations: Violations) {
    this.#violations = violations
  }

  /** A human logs in; the refresh token is nowhere yet. */
  login(place: string): RefreshTokenFact {
    const family = {
      id: this.families.length,
      place,
      revoked: false,
      abandoned: false,
      loss: undefined,
      returned: false,
    }
    const login = Object.assign(family, { newest: undefined as unknown as RefreshTokenFact })
    login.newest = this.#create(login, undefined)
    this.families.push(login)
    return login.newest
  }

  succeed(parent: RefreshTokenFact): RefreshTokenFact {
    const successor = this.#create(parent.family, parent)
    parent.successor = successor
    parent.family.newest = successor
    return successor
  }

  issue(refreshToken: RefreshTokenFact, issuedAtMs: number, expiresAtMs: number): AccessTokenFact {
    this.#serial += 1
    const text = `${secretMark}at-${this.#serial}-`
    const fact = { text, family: refreshToken.family, refreshToken, serial: this.#serial, issuedAtMs, expiresAtMs }
    this.#accessTokens.set(text, fact)
    return fact
  }

  find(text: string): RefreshTokenFact | undefined {
    return this.#refreshTokens.get(text)
  }

  accessToken(text: string): AccessTokenFact | undefined {
    return this.#accessTokens.get(text)
  }

  gained(token: RefreshTokenFact | undefined, where: Holding): void {
    if (token === undefined) return
    token.copies[where] += 1
    if (where === 'store' || where === 'record') token.everDurable = true
    if (where === 'store') token.everStored = true
    if (where !== 'memory' && where !== 'flight') token.orphanedBy = undefined
    if (token === token.family.newest) comesBack(token.family)
  }

  dropped(token: RefreshTokenFact | undefined, where: Holding, cause: LossCause | undefined): void {
    if (token === undefined) return
    token.copies[where] -= 1
    if (token.copies[where] < 0) throw new Error(`more copies of ${token.text} dropped from ${where} than there were`)
    this.#notice(token, cause)
  }

  /** True when somebody still has the token in a place that outlives a process. */
  hasCopy({ copies }: RefreshTokenFact): boolean {
    return copies.store + copies.record + copies.journal > 0
  }

  isAlive(token: RefreshTokenFact): boolean {
    return token.state === 'live' && !token.family.revoked
  }

  #notice(token: RefreshTokenFact, cause: LossCause | undefined): void {
    const { family, copies } = token
    if (!isMissed(token) || this.hasCopy(token)) return
    token.orphanedBy ??= cause
    if (copies.flight + copies.memory > 0) return
    family.loss =
      token.orphanedBy ?? (family.returned ? 'W5' : undefined) ?? (this.isTakenAway(token) ? 'human' : undefined)
    if (family.loss === undefined) this.#violations.add(`The last copy of ${token.text} is gone, and no fault took it.`)
  }

  #create(family: Family, parent: RefreshTokenFact | undefined): RefreshTokenFact {
    this.#serial += 1
    const token: RefreshTokenFact = {
      text: `${secretMark}rt-${this.#serial}-`,
      fingerprint: this.#serial.toString(16).padStart(32, '0'),
      family,
      parent,
      generation: parent === undefined ? 0 : parent.generation + 1,
      copies: { store: 0, record: 0, journal: 0, flight: 0, memory: 0 },
      state: 'live',
      spentAtMs: 0,
      successor: undefined,
      everDurable: false,
      everStored: false,
      broughtBackAtMs: -1,
      orphanedBy: undefined,
    }
    this.#refreshTokens.set(token.text, token)
    return token
  }
}

/** What was revoked meanwhile, for want of its newest token, stays lost. */
function comesBack(family: Family): void {
  if (family.abandoned || family.revoked || family.loss === undefined) return
  family.loss = undefined
  family.returned = true
}

/** True for a token that somebody will want again. */
function isMissed(token: RefreshTokenFact): boolean {
  const { newest, revoked, abandoned, loss } = token.family
  return newest === token && !revoked && !abandoned && loss === undefined
}
