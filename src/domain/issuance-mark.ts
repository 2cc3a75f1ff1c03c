import type { CredentialState } from './credential-state.ts'
import type { Observed } from './observed.ts'
import type { Target } from './credential.ts'
import { bareTokenKey } from './previous-token.ts'
import { tokenOrigin } from './token-origin.ts'
import { stableHash } from './stable-fraction.ts'
import { loginOf } from './target-login.ts'

/**
 * Tells access tokens of one login, client and server from all others. It is made when a token is issued, goes with it
 * whatever its provider names by then, and stands on the target beside it, so that a process which did not publish it
 * knows whose it is. Nothing secret goes in.
 *
 * The origin of the server, which no other text can be taken for; what the spec and the provider say of login and
 * client; under which keys the tokens are; and since when this login has been used, which is another time once
 * somebody has logged in again.
 */
export function issuanceMark(
  { credential, targetDigest, provider }: Pick<Observed, 'credential' | 'targetDigest' | 'provider'>,
  { loginUsedAt }: Pick<CredentialState, 'loginUsedAt'>,
): string {
  const issuer = [loginOf(targetDigest), ...issuerParts(provider)].join('|')
  const origin = provider.kind === 'found' ? tokenOrigin(provider.value) : ''
  // A status has whole seconds.
  const login = stableHash(String(Math.floor(loginUsedAt ?? 0)))
  return `${origin} ${stableHash(issuer)}.${keysPart(credential.spec.target)}.${login}`
}

/** The mark of a token that is to be in this target, which may have other keys than when the token was issued. */
export function markIn(target: Target, mark: string): string {
  return `${issuerOf(mark)}.${keysPart(target)}${mark.slice(mark.lastIndexOf('.'))}`
}

function issuerParts(provider: Observed['provider']): readonly string[] {
  if (provider.kind !== 'found') return []
  const { client, issuer = '', tokenEndpoint = '', refreshEndpoint = '' } = provider.value
  return [client.id, issuer, tokenEndpoint, refreshEndpoint]
}

function keysPart(target: Target): string {
  return stableHash([bareTokenKey(target) ?? '', target.previous?.key ?? ''].join('|'))
}

/** True when two marks are of one server and client: which login it was does not matter, nor under which keys. */
export function isOfSameServer(one: string, other: string): boolean {
  return issuerOf(one) === issuerOf(other)
}

/** True when two marks are of one server and client, and name the same keys. */
export function isHeldAlike(one: string, other: string): boolean {
  return withoutLogin(one) === withoutLogin(other)
}

function issuerOf(mark: string): string {
  const rest = withoutLogin(mark)
  return rest.slice(0, rest.lastIndexOf('.'))
}

function withoutLogin(mark: string): string {
  return mark.slice(0, mark.lastIndexOf('.'))
}
