import { type CredentialKey, keyText } from './credential.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed } from './observed.ts'
import type { StoredRefreshToken } from './tokens.ts'

/** What a document's claim is compared with. */
export interface Ownership {
  /** The document's claim is ours. */
  readonly isOwn: boolean
  /** The claim is by this installation, and its credential does not exist any more, or waits for another one. */
  readonly ownerYields: boolean
  /** Another credential of this process that uses the same refresh token from elsewhere. */
  readonly twin?: CredentialKey
}

/** The owner's id of a credential: nobody else's, in no cluster. */
export function ownerId(installation: string, uid: string): string {
  return `${installation}/${uid}`
}

export function ownerName(installation: string, key: CredentialKey): string {
  return `OAuthCredential ${keyText(key)} of installation ${installation}`
}

/** Why the refresh token belongs to somebody else. */
export function ownershipProblem(
  observed: Observed,
  { claim }: StoredRefreshToken,
  ownership: Ownership,
): Failure | undefined {
  const { twin } = ownership
  if (twin !== undefined) return owned(observed, `OAuthCredential ${keyText(twin)}`)
  if (claim?.kind !== 'claimed' || ownership.isOwn || mayTakeOver(observed, ownership)) {
    return undefined
  }
  return owned(observed, claim.claim.ownerName)
}

/** True when the document is to say that the refresh token is ours. */
export function wantsClaim({ claim }: StoredRefreshToken, ownership: Ownership): boolean {
  if (claim === undefined) return false
  return claim.kind === 'free' || !ownership.isOwn
}

/** True when whoever the document names may still be there, and is to lose it. */
export function isTakenOver({ claim }: StoredRefreshToken, { isOwn, ownerYields }: Ownership): boolean {
  return claim?.kind === 'claimed' && !isOwn && !ownerYields
}

/** The failure of a credential whose refresh token another one refreshes. */
export function owned({ credential }: Pick<Observed, 'credential'>, owner: string): Failure {
  const what = `The refresh token of OAuthCredential ${keyText(credential.key)} is refreshed by ${owner}.`
  return failure('REFRESH_TOKEN_OWNED', what)
}

/** True while a human's request to take the token over has not been handled. */
export function asksForOwnership({ credential, state }: Pick<Observed, 'credential' | 'state'>): boolean {
  return credential.ownershipRequest !== undefined && credential.ownershipRequest !== state.handledOwnershipRequest
}

function mayTakeOver(observed: Observed, { ownerYields }: Ownership): boolean {
  return ownerYields || asksForOwnership(observed)
}
