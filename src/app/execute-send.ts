import { refreshTokenSpec } from '../domain/credential.ts'
import type { Failure } from '../domain/failures.ts'
import { askedServer, journaledOrigin, knownOrigin, originChange } from '../domain/known-server.ts'
import type { Observed } from '../domain/observed.ts'
import { present } from '../domain/present.ts'
import { isFailure, usableReferents } from '../domain/referents.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { type Result } from '../domain/result.ts'
import { tokenOrigin } from '../domain/token-origin.ts'
import { sameSecret, type Sensitive } from '../domain/sensitive.ts'
import { tokenRequestAttributes } from '../domain/span-attributes.ts'
import type { Outcome, SendAction, SendOutcome } from '../domain/step.ts'
import { readTokenAnswer } from '../domain/token-answer.ts'
import {
  refusalIn,
  settlesNothing,
  type TokenAnswer,
  type TokenAnswerReading,
  type TokenExchange,
} from '../domain/token-exchange.ts'
import { seconds } from '../domain/time.ts'
import { answeringServer } from './answering-server.ts'
import { announceRequest, type Attempt } from './announce-request.ts'
import type { Deps } from './deps.ts'
import { disarm, leaveRefused, leaveUnanswered, sealingKeyOf } from './execute-record.ts'
import { notLeading } from './not-begun.ts'
import { answeredEntry, earlierSends, sentEntry } from './sent-entry.ts'
import { inSpan, traceIdOf } from './traced.ts'
import { shownBy, turnRequest, waitFailure } from './turns.ts'
import { unhindered } from './unhindered.ts'

type Sent = Extract<Outcome, { kind: 'send-refresh-token' }>

/**
 * Presents the refresh token, within the limits of its token host. The record knows of the request
 * before its first byte leaves, the journal too, and of the answer before anything in it is understood.
 */
export async function sendRefreshToken(send: SendAction, observed: Observed, deps: Deps): Promise<Sent> {
  const usable = usableReferents(observed)
  if (isFailure(usable)) return notSent(send, usable)
  const { provider } = usable
  const misdirected = originChange(observed, provider, originOf(send, observed, deps))
  if (misdirected !== undefined) return notSent(send, misdirected)
  const request = turnRequest(observed, provider)
  const sent = await deps.tokenHosts.send(request, async (tell): Promise<Sent> => {
    // Whoever waited for room may find that this process is ending, or no longer leads.
    if (!deps.mayBegin()) return notSent(send, notLeading(observed))
    const startedAt = deps.clock.now()
    const { credential } = observed
    const startedMs = deps.clock.monotonicMs()
    const attempt: Attempt = { send, credential, observed, provider, startedAt, startedMs, intendedMs: startedMs }
    deps.metrics.refreshAttempted(provider.name, credential.key.namespace)
    const grant = { type: 'refresh_token', refreshToken: send.base.refreshToken } as const
    const { scopes } = refreshTokenSpec(credential)
    const exchange = await inSpan(
      { name: 'token-request', kind: 'client' },
      deps,
      (within) =>
        within.tokenEndpoint.request(
          { provider, grant, scopes },
          () => announceRequest(attempt, within),
          // What throws here throws once more in afterAnswer, where a bug of the journal is told as one.
          (answer) => unhindered(() => void journalAnswer(answer, attempt, deps), deps),
        ),
      (came) => tokenRequestAttributes(provider, came),
    )
    const sent = await settleExchange(exchange, attempt, deps)
    tell(shownBy(exchange, failureIn(sent)))
    const record = await settleIntent(sent, attempt, deps)
    if (record === undefined && send.record !== undefined) {
      deps.leftRecords.lastHad(lastCertain(send.record, attempt))
    }
    const foundAlone = sent.kind === 'not-sent' ? undefined : attempt.foundAlone
    return { kind: 'send-refresh-token', action: send, sent, ...present({ record, foundAlone }) }
  })
  return 'action' in sent ? sent : notSent(send, waitFailure(sent, observed, provider))
}

/** A server that is said never to rotate is asked without a look, which would have asked the record. */
function originOf(
  { base: { refreshToken } }: SendAction,
  { state, journal }: Observed,
  { records }: Deps,
): string | undefined {
  return knownOrigin(state, records.fingerprint(refreshToken)) ?? journaledOrigin(journal, refreshToken)
}

/** Of a record that could not be written, or nobody knows whether it was: others may write it before it is read again. */
function lastCertain(record: RefreshRecord, { armed }: Attempt): RefreshRecord {
  return armed === undefined || armed === 'unknown' ? record : armed
}

function failureIn(sent: SendOutcome): Failure | undefined {
  if (sent.kind !== 'answered') return sent.failure
  return sent.reading.kind === 'refused' ? sent.reading.failure : undefined
}

function notSent(action: SendAction, cause: Failure): Sent {
  const { record } = action
  return { kind: 'send-refresh-token', action, sent: { kind: 'not-sent', failure: cause }, ...(record && { record }) }
}

async function settleExchange(exchange: TokenExchange, attempt: Attempt, deps: Deps): Promise<SendOutcome> {
  const sends = earlierSends(attempt.send) + 1
  switch (exchange.kind) {
    case 'not-sent':
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
  const { uid } = observed.credential
  const { scopes } = refreshTokenSpec(observed.credential)
  const sends = earlierSends(send) + 1
  // A journal that fails now does not stop us: the tokens are in memory, and the record and the store are next.
  const journaled = await journalAnswer(answer, attempt, deps)
  if (!journaled.ok) deps.logger.error({ uid, code: journaled.failure.code }, 'the answer could not be journaled')
  const reading = readTokenAnswer(answer, { provider, startedAt, scopes, origin: tokenOrigin(provider) })
  observe(attempt, reading.kind === 'issued' ? 'issued' : reading.failure.code, answer.status, deps)
  if (settlesNothing(reading)) {
    await deps.journal.sent(sentEntry(attempt, sends))
    return { kind: 'unknown', failure: failureOf(reading), sends }
  }
  const by = answeringServer(askedServer(provider), { reading, presented: send.base.refreshToken }, deps)
  return { kind: 'answered', reading, sends, startedAt, ...by }
}

/** Puts the answer into the journal, once: whoever has it first. */
function journalAnswer(answer: TokenAnswer, attempt: Attempt, { journal }: Deps): Promise<Result<void>> {
  attempt.answerJournaled ??= journal.answered(answeredEntry(attempt, answer))
  return attempt.answerJournaled
}

/**
 * Brings the record, and after it the journal, up to date with what came of the request. Tokens that
 * have to be kept go in with the next action; until then the intent stays. The journal forgets nothing
 * while the record may say that this process is at it: nobody else could tell that it is not.
 */
async function settleIntent(sent: SendOutcome, attempt: Attempt, deps: Deps): Promise<RefreshRecord | undefined> {
  const { armed, send } = attempt
  const isUnused = leftTokenUnused(sent)
  if (armed === 'unknown') return undefined
  if (armed === undefined) {
    // What is in the journal may be of an earlier attempt, unless this one has written it.
    if (isUnused && attempt.isJournaled === true) await forgetSend(attempt, deps)
    return send.record
  }
  if (sent.kind === 'unknown') return leaveUnanswered(armed, keyOf(send), deps)
  if (sent.kind === 'answered' && bringsAnother(sent.reading, send)) return armed
  if (isUnused) return takeBack({ ...attempt, armed }, deps)
  // A record that cannot be written now learns of the refusal from the journal.
  const code = sent.kind === 'answered' ? refusalIn(sent.reading, sent.sends) : undefined
  const fingerprint = deps.records.fingerprint(send.base.refreshToken)
  return leaveRefused(armed, { fingerprint, code, isTaken: failureIn(sent) === undefined }, keyOf(send), deps)
}

/** Takes the intent out of the record: what was uncertain about the token before is so again. */
async function takeBack(
  attempt: Attempt & { readonly armed: RefreshRecord },
  deps: Deps,
): Promise<RefreshRecord | undefined> {
  const { armed, send } = attempt
  const record = await disarm(armed, intentBefore(send, armed), keyOf(send), deps)
  if (record === undefined) await rememberIntent(attempt, deps)
  else await forgetSend(attempt, deps)
  return record
}

function keyOf({ base }: SendAction): Sensitive | undefined {
  return sealingKeyOf(base.claim)
}

/** True when the request did not leave, or its answer says that the refresh token was not looked at. */
function leftTokenUnused(sent: SendOutcome): boolean {
  return sent.kind === 'not-sent' || (sent.kind === 'answered' && leavesTokenUnused(sent.reading))
}

/** The record still says that this process is at it: what to take back is in the journal. */
async function rememberIntent(attempt: Attempt, deps: Deps): Promise<void> {
  const result = await deps.journal.armed({ ...sentEntry(attempt, earlierSends(attempt.send) + 1), phase: 'armed' })
  if (!result.ok) deps.logger.warn({ code: result.failure.code }, result.failure.message)
}

/** The uncertainty about the token that was there before this attempt. */
function intentBefore({ earlier }: SendAction, { intent }: RefreshRecord): RefreshRecord['intent'] {
  if (earlier === undefined || intent === undefined) return undefined
  const { holder: _own, ...rest } = intent
  return { ...rest, sends: earlier.sends, startedAt: earlier.startedAt }
}

/** A server that sends the same refresh token back has not rotated it, and nothing of it has to be kept. */
function bringsAnother(reading: TokenAnswerReading, { base }: SendAction): boolean {
  const refreshToken = reading.kind === 'issued' ? reading.tokens.refreshToken : reading.refreshToken
  return refreshToken !== undefined && !sameSecret(refreshToken, base.refreshToken)
}

/** True for refusals of the request and not of the refresh token: what was uncertain before is so still. */
function leavesTokenUnused(reading: TokenAnswerReading): boolean {
  if (reading.kind !== 'refused' || reading.refreshToken !== undefined) return false
  const { code } = reading.failure
  return code !== 'REFRESH_TOKEN_REJECTED' && code !== 'REFRESH_TOKEN_REUSED' && code !== 'TOKEN_ANSWER_INCOMPLETE'
}

function failureOf(reading: TokenAnswerReading): Failure {
  if (reading.kind === 'refused') return reading.failure
  throw new Error('tokens were issued, so there is no failure')
}

/** Nothing left this process: what the journal knew before is what it knows again. */
async function forgetSend(attempt: Attempt, deps: Deps): Promise<void> {
  const { uid } = attempt.observed.credential
  const sends = earlierSends(attempt.send)
  const result = sends === 0 ? await deps.journal.settled(uid) : await deps.journal.sent(sentEntry(attempt, sends))
  if (!result.ok) deps.logger.warn({ uid, code: result.failure.code }, 'the journal could not be brought up to date')
}

function observe(
  { provider, startedMs }: Attempt,
  outcome: 'issued' | Failure['code'],
  status: number | undefined,
  deps: Deps,
): void {
  const took = seconds((deps.clock.monotonicMs() - startedMs) / 1000)
  deps.metrics.tokenRequest(provider.name, outcome, { status, took, traceId: traceIdOf(deps) })
}
