import type { CredentialState } from './credential-state.ts'
import type { Observed } from './observed.ts'
import { bareTokenKey } from './previous-token.ts'
import { tokenOrigin } from './rotation.ts'
import { stableHash } from './stable-fraction.ts'
import { loginOf } from './target-login.ts'

/**
 * Tells access tokens of one login, client and server from all others. It stands on the target beside the token, so
 * that a process which did not publish it knows whose it is. Nothing secret goes in.
 *
 * The origin of the server, which no other text can be taken for; what the spec and the provider say of login and
 * client; under which keys the tokens are; and since when this login has been used, which is another time once
 * somebody has logged in again.
 */
export function tokenMark(
  { credential, targetDigest, provider }: Pick<Observed, 'credential' | 'targetDigest' | 'provider'>,
  { loginUsedAt }: Pick<CredentialState, 'loginUsedAt'>,
): string {
  const { target } = credential.spec
  const keys = [bareTokenKey(target) ?? '', target.previous?.key ?? '']
  const issuer = [loginOf(targetDigest), ...issuerParts(provider)]
  // A status has whole seconds.
  const parts = [issuer.join('|'), keys.join('|'), String(Math.floor(loginUsedAt ?? 0))]
  const origin = provider.kind === 'found' ? tokenOrigin(provider.value) : ''
  return `${origin} ${parts.map(stableHash).join('.')}`
}

function issuerParts(provider: Observed['provider']): readonly string[] {
  if (provider.kind !== 'found') return []
  const { client, issuer = '', tokenEndpoint = '', refreshEndpoint = '' } = provider.value
  return [client.id, issuer, tokenEndpoint, refreshEndpoint]
}

/** True when two marks are of one server and client, and name the same keys: which login it was does not matter. */
export function isOfSameServer(one: string, other: string): boolean {
  return withoutLogin(one) === withoutLogin(other)
}

function withoutLogin(mark: string): string {
  return mark.slice(0, mark.lastIndexOf('.'))
}
