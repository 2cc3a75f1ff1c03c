import type { AccessTokenFact, LossCause, RefreshTokenFact, TokenLedger } from './token-ledger.ts'
import type { Scheduler } from './scheduler.ts'
import type { Violations } from './violations.ts'

/** How one authorization server treats refresh tokens. */
export interface ServerProfile {
  readonly name: string
  readonly rotates: boolean
  /** How long it takes a refresh token again that it has replaced, in seconds. */
  readonly leewaySeconds: number
  readonly leewayKind: 'SameToken' | 'PreviousGeneration'
  readonly lifetimeSeconds: number
  /** What it says to a refresh token that was used before. */
  readonly reuseError: 'invalid_grant' | 'refresh_token_reused'
}

/** What the server did with a refresh token that was presented. */
export interface Verdict {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  /** The refresh token that is in the body. */
  readonly issued: RefreshTokenFact | undefined
  readonly accessToken: AccessTokenFact | undefined
}

export interface ServerParts {
  readonly scheduler: Scheduler
  readonly ledger: TokenLedger
  readonly violations: Violations
}

/** An authorization server: strict by RFC 9700 §4.14.2, or lenient in one of the ways that exist. */
export class ServerModel {
  readonly profile: ServerProfile
  /** Nobody told the operator whether it rotates. */
  readonly declaresNothing: boolean
  readonly #scheduler: Scheduler
  readonly #ledger: TokenLedger
  readonly #violations: Violations
  refreshes = 0

  constructor(profile: ServerProfile, declaresNothing: boolean, models: ServerParts) {
    this.profile = profile
    this.declaresNothing = declaresNothing
    this.#scheduler = models.scheduler
    this.#ledger = models.ledger
    this.#violations = models.violations
  }

  /** A refresh token arrives. `excuse`: the window in which no protocol could have kept it from being sent. */
  present(text: string, excuse: LossCause | undefined): Verdict {
    const token = this.#ledger.find(text)
    if (token === undefined || token.family.revoked) return refusal('invalid_grant')
    if (token.state === 'live') return this.profile.rotates ? this.#rotate(token) : this.#issue(token, undefined)
    this.#judgeReuse(token, excuse)
    if (this.#isWithinLeeway(token)) return this.#again(token)
    this.#revoke(token, excuse)
    return refusal(this.profile.reuseError)
  }

  #rotate(token: RefreshTokenFact): Verdict {
    token.state = 'spent'
    token.spentAtMs = this.#scheduler.nowMs
    return this.#issue(this.#ledger.succeed(token), token)
  }

  /** Within the leeway: the same successor once more, or a new one in its place. */
  #again(token: RefreshTokenFact): Verdict {
    const { newest } = token.family
    return this.profile.leewayKind === 'SameToken' ? this.#issue(newest, token) : this.#rotate(newest)
  }

  #isWithinLeeway(token: RefreshTokenFact): boolean {
    const { leewaySeconds } = this.profile
    const isPrevious = token.successor === token.family.newest
    return isPrevious && this.#scheduler.nowMs <= token.spentAtMs + leewaySeconds * 1000
  }

  #issue(refreshToken: RefreshTokenFact, presented: RefreshTokenFact | undefined): Verdict {
    this.refreshes += 1
    const { lifetimeSeconds } = this.profile
    const { nowMs } = this.#scheduler
    const accessToken = this.#ledger.issue(refreshToken, nowMs, nowMs + lifetimeSeconds * 1000)
    const rotated = presented === undefined ? undefined : refreshToken
    this.#violations.note(() => `server: issues ${accessToken.text} and ${rotated?.text ?? 'no refresh token'}`)
    const body = {
      access_token: accessToken.text,
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
      ...(rotated && { refresh_token: rotated.text }),
      scope: 'read',
    }
    return { status: 200, body, issued: rotated, accessToken }
  }

  #judgeReuse(token: RefreshTokenFact, excuse: LossCause | undefined): void {
    this.#violations.note(() => `server: ${token.text} is presented again`)
    if (excuse !== undefined || token.family.abandoned) return
    const { newest } = token.family
    if (!this.#ledger.hasCopy(newest)) return
    const { store, record, journal, memory } = newest.copies
    this.#violations.add(
      `Harmful double spend: ${token.text} is presented while its successor ${newest.text} exists ` +
        `(copies in store ${store}, records ${record}, journals ${journal}, processes ${memory}).`,
    )
  }

  #revoke({ family }: RefreshTokenFact, excuse: LossCause | undefined): void {
    this.#violations.note(() => `server: revokes everything that descends from login ${family.id}`)
    family.revoked = true
    if (family.abandoned || family.loss !== undefined) return
    if (excuse !== undefined) family.loss = excuse
    else this.#violations.add(`Login ${family.id} is revoked for reuse while ${family.newest.text} was not lost.`)
  }
}

function refusal(error: string): Verdict {
  return { status: 400, body: { error }, issued: undefined, accessToken: undefined }
}
