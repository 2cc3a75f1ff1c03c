import { type Credential, type CredentialKey, keyText, providerOf } from '../domain/credential.ts'
import { type Failure, retold } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import { bareTokenKey } from '../domain/previous-token.ts'
import { type Provider, providerText } from '../domain/provider.ts'
import { isFailure, providerFor } from '../domain/referents.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { notAtHand, revocationTookTooLong, stillInUse, tokensToRevoke } from '../domain/revocation.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import { issuanceMark } from '../domain/issuance-mark.ts'
import type { Clock } from '../ports/clock.ts'
import type { Deps } from './deps.ts'
import { isDenied, targetIdentity } from './gather.ts'

/** Of each token; a server that is down costs no more. */
const attempts = 3
/** For everything that a deletion waits for here. */
const longestSeconds = 30
/** Between two attempts, unless the server asks for more. */
const pausesMs = [1000, 4000]
/** So often it is looked whether this process is to end. */
const sliceMs = 500

type Revoked = Result<void> | 'stopped'

/**
 * Ends, at the server, what was published and is still good, now that its credential goes: three attempts, and half a
 * minute for everything. Then it is told how that went, and the deletion goes on. Never a refresh token: that one
 * belongs to the owner of its store, although a server may end it too (RFC 7009 §2.1).
 *
 * Not over when this process is to end first: the next one begins anew.
 */
export async function revokePublished(
  observed: Observed,
  deps: Deps,
): Promise<{ readonly isOver: boolean; readonly result?: Result<void> }> {
  const deadlineMs = deps.clock.monotonicMs() + longestSeconds * 1000
  const late = failed(revocationTookTooLong(observed.credential, longestSeconds))
  const work = revokeAll(observed, { deadlineMs, late }, deps)
  const result = await within<Revoked>(longestSeconds * 1000, work, late, deps.clock)
  if (result === 'stopped') return { isOver: false }
  tell(observed, result, deps)
  return { isOver: true, result }
}

async function revokeAll(observed: Observed, bounds: Omit<Bounds, 'provider'>, deps: Deps): Promise<Revoked> {
  const provider = providerFor(observed)
  if (isFailure(provider)) return failed(provider)
  const other = sharerOf(observed, deps)
  if (other !== undefined) return failed(stillInUse(observed.credential, other))
  const tokens = await tokensOf(observed, deps)
  if (!tokens.ok) return tokens
  let worst: Result<void> = ok(undefined)
  for (const token of tokens.value) {
    const result = await revoke(token, { ...bounds, provider }, deps)
    if (result === 'stopped') return result
    if (!result.ok) worst = result
  }
  return worst
}

/**
 * Another credential with the same refresh token that may use it, and is to stay. One of another namespace counts once
 * it has used it: else whoever names the place could keep a token of others good.
 */
function sharerOf({ credential }: Observed, { resources }: Deps): CredentialKey | undefined {
  const { namespace } = credential.key
  const isSharer = ({ key, deleting, state }: Credential): boolean =>
    !deleting && (key.namespace === namespace || state.refreshes > 0)
  return resources.othersAt(credential).find((other) => isSharer(other) && !isDenied(other, resources))?.key
}

/** What the target holds, and what this process published, in case that somebody has deleted the target first. */
async function tokensOf(observed: Observed, deps: Deps): Promise<Result<readonly Sensitive[]>> {
  const { credential, accessToken: atHand } = observed
  const { target } = credential.spec
  const from = bareTokenKey(target) ?? ''
  const keys = target.previous === undefined ? { from } : { from, key: target.previous.key }
  const held = await deps.sink.held(targetIdentity(credential), keys)
  const found = held.ok ? held.value : {}
  const published = { found, ...(atHand && { atHand }) }
  const tokens = tokensToRevoke(published, issuanceMark(observed, observed.state), deps.clock.now())
  if (tokens.length > 0) return ok(tokens)
  return held.ok ? failed(notAtHand(credential)) : held
}

interface Bounds {
  readonly provider: Provider
  readonly deadlineMs: number
  /** What is told when the time is up. */
  readonly late: Result<never>
}

async function revoke(token: Sensitive, bounds: Bounds, deps: Deps): Promise<Revoked> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await attemptOnce(token, bounds, deps)
    if (result === 'stopped' || result.ok || !isWorthwhile(result.failure) || attempt === attempts) return result
    const pauseMs = Math.max(pausesMs[attempt - 1] ?? 0, (result.failure.retryAfterSeconds ?? 0) * 1000)
    if (deps.clock.monotonicMs() + pauseMs >= bounds.deadlineMs) return result
    await pause(pauseMs, deps)
  }
}

function isWorthwhile({ next }: Failure): boolean {
  return next === 'retry' || next === 'wait'
}

/** No more at a time than the provider allows requests; who waits for room may find that it is too late. */
function attemptOnce(token: Sensitive, { provider, deadlineMs, late }: Bounds, deps: Deps): Promise<Revoked> {
  const { requestsPerSecond: perSecond, maxConcurrent: concurrent } = provider.limits
  const lane = `revocation of ${providerText(provider)}`
  return deps.limiter.run(lane, { perSecond, concurrent }, deadlineMs, async () => {
    if (!deps.mayBegin()) return 'stopped'
    return deps.clock.monotonicMs() < deadlineMs ? deps.tokenEndpoint.revoke(provider, token) : late
  })
}

async function pause(lengthMs: number, { clock, mayBegin }: Deps): Promise<void> {
  const untilMs = clock.monotonicMs() + lengthMs
  for (let left = lengthMs; left > 0 && mayBegin(); left = untilMs - clock.monotonicMs()) {
    await new Promise<void>((resolve) => void clock.wakeAfter(Math.min(left, sliceMs), resolve))
  }
}

/** What comes of `work`, or `late` when it takes longer; what it does after that is nobody's concern. */
function within<T>(lengthMs: number, work: Promise<T>, late: T, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.wakeAfter(lengthMs, () => resolve(late))
    work.then(resolve, reject).finally(cancel)
  })
}

function tell({ credential }: Observed, result: Result<void>, deps: Deps): void {
  const { key, uid } = credential
  const provider = providerOf(credential.spec)?.name ?? ''
  deps.metrics.accessTokenRevoked(provider, result.ok ? 'revoked' : result.failure.code)
  if (result.ok) {
    const message =
      'The published access token was revoked at its server, which may have ended the refresh token with it.'
    deps.events.record({ key, uid, severity: 'Normal', reason: 'AccessTokenRevoked', message })
    deps.logger.info({ credential: keyText(key), uid }, message)
    return
  }
  const { code } = result.failure
  const { message } = retold(result.failure, 'ACCESS_TOKEN_NOT_REVOKED')
  deps.events.record({ key, uid, severity: 'Warning', reason: 'RevocationFailed', message })
  deps.logger.warn({ credential: keyText(key), uid, code: 'ACCESS_TOKEN_NOT_REVOKED', cause: code }, message)
}
