import type { Observed } from '../domain/observed.ts'
import { present } from '../domain/present.ts'
import type { AccessToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'

/**
 * The access token with the expiry that its server tells, where the answer that brought it had none and the server
 * can be asked. What is asked and not told changes nothing: the lifetime that the provider assumes holds.
 */
export async function withToldExpiry(accessToken: AccessToken, observed: Observed, deps: Deps): Promise<AccessToken> {
  const { provider, credential } = observed
  if (accessToken.lifetimeAssumed !== true || provider.kind !== 'found') return accessToken
  if (provider.value.introspection === undefined) return accessToken
  const standing = await deps.tokenEndpoint.introspect(provider.value, accessToken.value)
  if (!standing.ok) {
    const { code, message } = standing.failure
    deps.logger.warn({ uid: credential.uid, code }, message)
    return accessToken
  }
  const { active, expiresAt } = standing.value
  if (!active)
    deps.logger.warn({ uid: credential.uid }, 'the server calls an access token inactive that it just issued')
  // A server that calls its newest token dead tells this client nothing; one that is over is of no use to anybody.
  if (!active || expiresAt === undefined || expiresAt <= deps.clock.now()) return accessToken
  return present({ ...accessToken, expiresAt, lifetimeAssumed: undefined })
}
