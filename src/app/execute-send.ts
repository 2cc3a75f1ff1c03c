import { type Credential, keyText } from '../domain/credential.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { SentEntry } from '../domain/journal-entry.ts'
import type { Observed } from '../domain/observed.ts'
import type { Provider } from '../domain/provider.ts'
import { isFailure, usableReferents } from '../domain/referents.ts'
import { failed, type Result } from '../domain/result.ts'
import type { Action, SendOutcome } from '../domain/step.ts'
import { readTokenAnswer } from '../domain/token-answer.ts'
import {
  settlesNothing,
  type TokenAnswer,
  type TokenAnswerReading,
  type TokenExchange,
} from '../domain/token-exchange.ts'
import { type EpochSeconds, seconds } from '../domain/time.ts'
import type { Deps } from './deps.ts'

type Send = Extract<Action, { kind: 'send-refresh-token' }>

interface Attempt {
  readonly send: Send
  readonly observed: Observed
  readonly provider: Provider
  readonly startedAt: EpochSeconds
  readonly startedMs: number
}

/**
 * Presents the refresh token, within the limits of its token host. The journal knows of the request
 * before its first byte leaves, and of the answer before anything in it is understood.
 */
export async function sendRefreshToken(send: Send, observed: Observed, deps: Deps): Promise<SendOutcome> {
  const usable = usableReferents(observed)
  if (isFailure(usable)) return { kind: 'not-sent', failure: usable }
  const { provider } = usable
  const { requestsPerSecond, maxConcurrent } = provider.limits
  const limit = { perSecond: requestsPerSecond, concurrent: maxConcurrent }
  const deadline = observed.state.accessTokenExpiresAt ?? observed.credential.createdAt
  return deps.limiter.run(tokenHost(provider), limit, deadline, async () => {
    // Whoever waited for room may find that this process is ending, or no longer leads.
    if (!deps.mayBegin()) return { kind: 'not-sent', failure: notLeading(observed) }
    const startedAt = deps.clock.now()
    const attempt: Attempt = { send, observed, provider, startedAt, startedMs: deps.clock.monotonicMs() }
    deps.metrics.refreshAttempted(provider.name, observed.credential.key.namespace)
    const exchange = await deps.tokenEndpoint.refresh(
      { provider, refreshToken: send.base.refreshToken, scopes: observed.credential.spec.scopes },
      () => beforeSend(attempt, deps),
    )
    return settleExchange(exchange, attempt, deps)
  })
}

/** The last fence: a process that may no longer lead, or cannot write its journal, sends nothing. */
async function beforeSend(attempt: Attempt, deps: Deps): Promise<Result<void>> {
  if (!deps.mayBegin()) return failed(notLeading(attempt.observed))
  return deps.journal.sent(sentEntry(attempt, attempt.send.earlierSends + 1))
}

function notLeading({ credential }: Observed): Failure {
  const what = `This process stopped acting before it sent the refresh token of OAuthCredential ${keyText(credential.key)}.`
  return failure('KUBERNETES_UNAVAILABLE', what)
}

function sentEntry({ send, observed, startedAt }: Attempt, sends: number): SentEntry {
  return { phase: 'sent', startedAt: send.firstSentAt ?? startedAt, sends, ...entryBase(send, observed.credential) }
}

/** What the journal has to know of a request, whatever came of it. */
function entryBase(
  { base }: Send,
  { uid, spec }: Credential,
): Pick<SentEntry, 'uid' | 'storeVersion' | 'refreshToken' | 'source'> {
  return { uid, storeVersion: base.version, refreshToken: base.refreshToken, source: spec.refreshToken }
}

async function settleExchange(exchange: TokenExchange, attempt: Attempt, deps: Deps): Promise<SendOutcome> {
  const sends = attempt.send.earlierSends + 1
  switch (exchange.kind) {
    case 'not-sent':
      await forgetSend(attempt, deps)
      observe(attempt, exchange.failure.code, undefined, deps)
      return { kind: 'not-sent', failure: exchange.failure }
    case 'lost':
      observe(attempt, exchange.failure.code, undefined, deps)
      return { kind: 'unknown', failure: exchange.failure, sends }
    case 'answered':
      return afterAnswer(exchange.answer, attempt, deps)
  }
}

async function afterAnswer(answer: TokenAnswer, attempt: Attempt, deps: Deps): Promise<SendOutcome> {
  const { send, observed, provider, startedAt } = attempt
  const { uid, spec } = observed.credential
  const sends = send.earlierSends + 1
  // A journal that fails now does not stop us: the tokens are in memory, and the store is next.
  const journaled = await deps.journal.answered({
    phase: 'answered',
    startedAt,
    sends,
    answer,
    ...entryBase(send, observed.credential),
  })
  if (!journaled.ok) deps.logger.error({ uid, code: journaled.failure.code }, 'the answer could not be journaled')
  const reading = readTokenAnswer(answer, { provider, startedAt, scopes: spec.scopes })
  observe(attempt, reading.kind === 'issued' ? 'issued' : reading.failure.code, answer.status, deps)
  if (settlesNothing(reading)) {
    await deps.journal.sent(sentEntry(attempt, sends))
    return { kind: 'unknown', failure: failureOf(reading), sends }
  }
  if (leavesTokenUnused(reading)) await forgetSend(attempt, deps)
  return { kind: 'answered', reading, sends, startedAt }
}

/** True for refusals of the request and not of the refresh token: what was uncertain before is so still. */
function leavesTokenUnused(reading: TokenAnswerReading): boolean {
  if (reading.kind !== 'refused' || reading.refreshToken !== undefined) return false
  const { code } = reading.failure
  return code !== 'REFRESH_TOKEN_REJECTED' && code !== 'TOKEN_ANSWER_INCOMPLETE'
}

function failureOf(reading: TokenAnswerReading): Failure {
  if (reading.kind === 'refused') return reading.failure
  throw new Error('tokens were issued, so there is no failure')
}

/** Nothing left this process: what the journal knew before is what it knows again. */
async function forgetSend(attempt: Attempt, deps: Deps): Promise<void> {
  const { uid } = attempt.observed.credential
  const { earlierSends } = attempt.send
  const result =
    earlierSends === 0 ? await deps.journal.settled(uid) : await deps.journal.sent(sentEntry(attempt, earlierSends))
  if (!result.ok) deps.logger.warn({ uid, code: result.failure.code }, 'the journal could not be brought up to date')
}

function observe(
  { provider, startedMs }: Attempt,
  outcome: 'issued' | Failure['code'],
  status: number | undefined,
  deps: Deps,
): void {
  const took = seconds((deps.clock.monotonicMs() - startedMs) / 1000)
  deps.metrics.tokenRequest(provider.name, outcome, status, took)
}

/** Scheme, host and port of the token endpoint: what all credentials of one server share. */
function tokenHost({ tokenEndpoint }: Provider): string {
  return tokenEndpoint.split('/', 3).join('/')
}
