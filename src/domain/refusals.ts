import { deadGrantProbe, misconfigurationProbe, type ProbePolicy } from './backoff.ts'
import type { Failure, FailureCode } from './failures.ts'

/** The refresh token was refused: it is dead, as far as one answer can tell. */
const deadGrants: ReadonlySet<FailureCode> = new Set<FailureCode>(['REFRESH_TOKEN_REJECTED', 'REFRESH_ANSWER_LOST'])

/** Somebody else has used it: presenting it once more is what a thief does. */
const usedByOthers: ReadonlySet<FailureCode> = new Set<FailureCode>(['REFRESH_TOKEN_REUSED'])

/** Something else in the request was refused: the refresh token was not looked at. */
const misconfigurations: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'CLIENT_REJECTED',
  'SCOPE_REJECTED',
  'REQUEST_REJECTED',
  // After a consent, or a second factor on another device, the same refresh token works again.
  'INTERACTION_REQUIRED',
  'TOKEN_ENDPOINT_DENIED',
  'TOKEN_ENDPOINT_REDIRECTED',
  'TOKEN_ENDPOINT_NOT_FOUND',
  'TOKEN_ANSWER_INCOMPLETE',
])

/** Others for which another token in the store is what helps. */
const badDocuments: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'INTERACTION_REQUIRED',
  'REFRESH_TOKEN_MISSING',
  'REFRESH_TOKEN_MALFORMED',
  'STATIC_TOKEN_MISSING',
  'STATIC_TOKEN_MALFORMED',
  'STATIC_TOKEN_EXPIRED',
  'STORE_ROLLED_BACK',
])

/** What other manifests say, or the manifest of whoever was first at the refresh token: a change of them wakes who waits. */
const ofManifests: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'PROVIDER_NOT_FOUND',
  'PROVIDER_INVALID',
  'STORE_NOT_FOUND',
  'STORE_INVALID',
  'STORE_ACCESS_NOT_GRANTED',
  'REFRESH_TOKEN_OWNED',
])

/** What a token endpoint may say of a refresh token itself. */
export type TokenRefusal = 'REFRESH_TOKEN_REJECTED' | 'REFRESH_TOKEN_REUSED' | 'REFRESH_ANSWER_LOST'

/**
 * What a refusal says of the refresh token that was presented so often; undefined when it says nothing of it. After
 * a send whose answer was lost it most likely means that the lost answer held the successor.
 */
export function tokenRefusal(code: FailureCode, sends: number): TokenRefusal | undefined {
  if (code !== 'REFRESH_TOKEN_REJECTED' && code !== 'REFRESH_TOKEN_REUSED') return undefined
  return sends < 2 ? code : 'REFRESH_ANSWER_LOST'
}

/** True for refusals by the authorization server: the refresh token was presented, and only a human can help. */
export function isRefusal(failure: Pick<Failure, 'code'>): boolean {
  return isTokenRefusal(failure) || misconfigurations.has(failure.code)
}

/** True for refusals of the refresh token itself. The access tokens of its login may be revoked with it. */
export function isTokenRefusal({ code }: Pick<Failure, 'code'>): boolean {
  return deadGrants.has(code) || usedByOthers.has(code)
}

/** True for what is told even in the place of a refusal: it is about another token, or about who may present it, and where. */
export function hidesRefusal({ code }: Pick<Failure, 'code'>): boolean {
  return hiding.has(code)
}

const hiding: ReadonlySet<string> = new Set(['REFRESH_TOKEN_OWNED', 'STORE_ROLLED_BACK', 'TOKEN_ORIGIN_CHANGED'])

/**
 * How the same refresh token is presented again although nothing changed; undefined when it never is.
 *
 * A server that rotates may answer a used token by revoking the whole login, and nobody knows whether the
 * refused one was used by somebody else: there the store is read, and nothing but another token is presented.
 */
export function probePolicy({ code }: Pick<Failure, 'code'>, rotates: boolean): ProbePolicy | undefined {
  if (misconfigurations.has(code)) return misconfigurationProbe
  return deadGrants.has(code) && !rotates ? deadGrantProbe : undefined
}

/**
 * True for failures after which nothing but the store is read until it holds another document. Who waits for a
 * corrected client has other things to look at besides.
 */
export function awaitsAnother(failure: Pick<Failure, 'code'>): boolean {
  return awaitsDocument(failure) || (isRefusal(failure) && failure.code !== 'CLIENT_REJECTED')
}

/** True for failures that end once somebody puts another document into the store. */
export function awaitsDocument({ code }: Pick<Failure, 'code'>): boolean {
  return deadGrants.has(code) || usedByOthers.has(code) || badDocuments.has(code)
}

/** True for failures whose end is told by a change of some manifest, as a rule: a look is for what was missed. */
export function awaitsManifest({ code }: Pick<Failure, 'code'>): boolean {
  return ofManifests.has(code)
}
