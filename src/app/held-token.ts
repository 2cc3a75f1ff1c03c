import { carryTokenAlone } from '../domain/formats.ts'
import type { Observed } from '../domain/observed.ts'
import { bareTokenKey, type FoundTokens } from '../domain/previous-token.ts'
import { loginOf } from '../domain/target-login.ts'
import { isHeldAlike, issuanceMark } from '../domain/issuance-mark.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { AccessToken } from '../domain/tokens.ts'
import type { TargetIdentity } from '../ports/access-token-sink.ts'
import type { Deps } from './deps.ts'

/**
 * What was observed, with the access token as the target has it, where the spec asks for another target and this process
 * has no token: a refresh that only other labels or policies ask for would restart everybody who reads it.
 *
 * Nothing but what was published last, for this very login, server and client and under these keys, and is as it was; and
 * only where the outputs show no more of a token than the target does.
 */
export async function withHeldToken(observed: Observed, identity: TargetIdentity, deps: Deps): Promise<Observed> {
  if (!isWanted(observed) || !carryTokenAlone(observed.credential.spec.target.outputs, deps.textCodec)) return observed
  const accessToken = await heldToken(observed, identity, deps)
  return accessToken === undefined ? observed : { ...observed, accessToken }
}

function isWanted({ credential, accessToken, pending, state, target, targetDigest }: Observed): boolean {
  const isHere = accessToken !== undefined || pending?.tokens.accessToken !== undefined
  if (isHere || credential.spec.grant === 'StaticToken' || state.targetDigest === undefined) return false
  const isWhole = target.kind === 'observed' && target.state.kind === 'ours' && target.state.intact
  return isWhole && state.targetDigest !== targetDigest && loginOf(state.targetDigest) === loginOf(targetDigest)
}

async function heldToken(
  observed: Observed,
  identity: TargetIdentity,
  { sink }: Deps,
): Promise<AccessToken | undefined> {
  const from = bareTokenKey(observed.credential.spec.target)
  if (from === undefined) return undefined
  const held = await sink.held(identity, { from })
  // What could not be read is as if it were not there: then a refresh brings a token.
  if (!held.ok) return undefined
  const { accessToken: value, issuedAt, expiresAt, mark } = held.value
  if (value === undefined || issuedAt === undefined || expiresAt === undefined || mark === undefined) return undefined
  if (!isHeldAlike(mark, issuanceMark(observed, observed.state)) || !isLast(held.value, observed)) return undefined
  return { value, tokenType: 'Bearer', issuedAt, expiresAt, mark, scopes: [] }
}

/** False for an earlier publication that somebody put back, and for a later one of another process. */
function isLast({ issuedAt, expiresAt }: FoundTokens, { state }: Observed): boolean {
  return isSameTime(issuedAt, state.lastRefreshAt) && isSameTime(expiresAt, state.accessTokenExpiresAt)
}

/** As targets and statuses keep times. */
function isSameTime(one: EpochSeconds | undefined, other: EpochSeconds | undefined): boolean {
  return one !== undefined && other !== undefined && Math.floor(one) === Math.floor(other)
}
