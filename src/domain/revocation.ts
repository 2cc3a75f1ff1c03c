import { type Credential, type CredentialKey, type CredentialSpec, keyText } from './credential.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed } from './observed.ts'
import type { FoundTokens } from './previous-token.ts'
import { type Sensitive, sameSecret } from './sensitive.ts'
import type { EpochSeconds } from './time.ts'
import { isHeldAlike, isOfSameServer } from './issuance-mark.ts'
import type { AccessToken } from './tokens.ts'

/** True when the published access token ends with its credential. A target that stays keeps a good token, unless the spec says otherwise. */
export function endsWithCredential({ grant, revocationPolicy, target }: CredentialSpec): boolean {
  if (grant === 'StaticToken' || revocationPolicy === undefined) return false
  return revocationPolicy === 'Always' || (target.deletionPolicy === 'Delete' && target.creationPolicy !== 'Orphan')
}

/** True when a token was published that its server would still take. */
export function wantsRevocation({ credential, state, revocationTried }: Observed, now: EpochSeconds): boolean {
  const { accessTokenExpiresAt: expiresAt } = state
  const isLive = expiresAt !== undefined && expiresAt > now
  return credential.deleting && isLive && revocationTried !== true && endsWithCredential(credential.spec)
}

/** Where access tokens that were published are found again. */
export interface KnownTokens {
  /** As the target holds them. */
  readonly found: FoundTokens
  /** The one that this process published last. */
  readonly atHand?: AccessToken
}

/**
 * The access tokens that may be shown to the server of the provider as it is now, each once: those that were issued
 * there to the same client. A server that somebody has put into the provider since sees none.
 */
export function tokensToRevoke({ found, atHand }: KnownTokens, mark: string, now: EpochSeconds): readonly Sensitive[] {
  const isLive = (expiresAt: EpochSeconds | undefined): boolean => expiresAt !== undefined && expiresAt > now
  const isHeld = found.mark !== undefined && isHeldAlike(found.mark, mark)
  const held = isHeld
    ? [
        isLive(found.expiresAt) ? found.accessToken : undefined,
        isLive(found.previousExpiresAt) ? found.previous : undefined,
      ]
    : []
  const isOurs = atHand?.mark !== undefined && isOfSameServer(atHand.mark, mark)
  const own = isOurs && isLive(atHand.expiresAt) ? atHand.value : undefined
  const all = [...held, own].filter((token) => token !== undefined)
  return all.filter((token, index) => all.findIndex((other) => sameSecret(token, other)) === index)
}

/** There is nothing that could be shown to the server. */
export function notAtHand({ key, spec }: Credential): Failure {
  const what =
    `The access token of OAuthCredential ${keyText(key)} was not revoked: neither this process nor the target ` +
    `${spec.target.name} has it as it was published for this client of this server.`
  return failure('ACCESS_TOKEN_NOT_REVOKED', what)
}

/** A server may end the refresh token together with the access token, and another credential has that one, too. */
export function stillInUse({ key }: Credential, other: CredentialKey): Failure {
  const what =
    `The access token of OAuthCredential ${keyText(key)} was not revoked: OAuthCredential ${keyText(other)} has the ` +
    'same refresh token, which a server may end together with it.'
  return failure('ACCESS_TOKEN_NOT_REVOKED', what)
}

/** The time for all attempts is up. */
export function revocationTookTooLong({ key }: Credential, withinSeconds: number): Failure {
  const what = `The access token of OAuthCredential ${keyText(key)} could not be revoked within ${withinSeconds} s.`
  return failure('ACCESS_TOKEN_NOT_REVOKED', what)
}
