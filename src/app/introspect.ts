import type { Observed } from '../domain/observed.ts'
import { present } from '../domain/present.ts'
import { tokenOrigin } from '../domain/token-origin.ts'
import { type EpochSeconds, secondsBetween } from '../domain/time.ts'
import { longestLifetimeSeconds } from '../domain/token-answer-tokens.ts'
import type { AccessToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'

/**
 * The access token with the expiry that its server tells, where the answer that brought it had none and the server
 * can be asked. What is asked and not told changes nothing: the lifetime that the provider assumes holds.
 */
export async function withToldExpiry(accessToken: AccessToken, observed: Observed, deps: Deps): Promise<AccessToken> {
  const { provider, credential } = observed
  if (accessToken.lifetimeAssumed !== true || provider.kind !== 'found') return accessToken
  // A provider may name another server by now, and that one is not shown the token.
  if (provider.value.introspection === undefined || accessToken.issuedBy !== tokenOrigin(provider.value))
    return accessToken
  const standing = await deps.tokenEndpoint.introspect(provider.value, accessToken.value)
  if (!standing.ok) {
    const { code, message } = standing.failure
    deps.logger.warn({ uid: credential.uid, code }, message)
    return accessToken
  }
  const { active, expiresAt } = standing.value
  if (!active)
    deps.logger.warn({ uid: credential.uid }, 'the server calls an access token inactive that it just issued')
  // A server that calls its newest token dead tells this client nothing.
  if (!active || expiresAt === undefined || !isCredible(expiresAt, deps.clock.now())) return accessToken
  return present({ ...accessToken, expiresAt, lifetimeAssumed: undefined, issuedBy: undefined })
}

/** What is over is of no use to anybody, and more than ten years are a mistake in the unit: nobody would refresh in time. */
function isCredible(expiresAt: EpochSeconds, now: EpochSeconds): boolean {
  const lifetime = secondsBetween(now, expiresAt)
  return lifetime > 0 && lifetime <= longestLifetimeSeconds
}
