import { type Failure, type FailureCode, failure } from './failures.ts'
import { parseHttpDate } from './http-date.ts'
import { providerText } from './provider.ts'
import { secondsBetween } from './time.ts'
import type { AnswerBody } from './token-answer-body.ts'
import { type ReportedError, ruledMeaning } from './token-answer-errors.ts'
import type { JsonValue } from './token-answer-json.ts'
import type { TokenAnswerContext } from './token-answer-tokens.ts'
import type { TokenAnswer } from './token-exchange.ts'

/** Everything that the classification of a refused answer looks at. */
export interface Refusal {
  readonly answer: TokenAnswer
  readonly body: AnswerBody
  readonly error: ReportedError | undefined
  /** A refresh token came along that has to be kept. */
  readonly carriesRefreshToken: boolean
}

const shortestWaitSeconds = 1
const longestWaitSeconds = 3600

/** Statuses below 500 after which nobody knows whether the refresh token was used. */
const openStatuses: ReadonlySet<number> = new Set([408, 409, 421, 423, 425])
const wrongAddressStatuses: ReadonlySet<number> = new Set([404, 405, 410, 415])
/** Payment required, forbidden, proxy authentication required, unavailable for legal reasons. */
const deniedStatuses: ReadonlySet<number> = new Set([402, 403, 407, 451])

/** Turns a refused answer into a failure. Its message has the provider, the status and a known error code, nothing else of the answer. */
export function refusalFailure(refusal: Refusal, context: TokenAnswerContext): Failure {
  const code = refusalCode(refusal, context)
  const waits = code === 'TOKEN_ENDPOINT_THROTTLED' || code === 'TOKEN_ENDPOINT_UNAVAILABLE'
  return failure(code, sentence(refusal, context), waits ? retryAfterSeconds(refusal, context) : undefined)
}

function refusalCode(refusal: Refusal, { provider }: TokenAnswerContext): FailureCode {
  const { answer, body, carriesRefreshToken } = refusal
  if (carriesRefreshToken) return body.ending === 'cut' ? 'TOKEN_RESULT_UNKNOWN' : 'TOKEN_ANSWER_INCOMPLETE'
  const ruled = ruledMeaning(body.members, answer.status, provider.response)
  return ruled ?? codeByStatus(answer.status) ?? codeByError(refusal) ?? codeByRest(refusal)
}

/** Where the status says more than any error code: the answer comes from a gateway, or from a server in trouble. */
function codeByStatus(status: number): FailureCode | undefined {
  if (status >= 300 && status < 400) return 'TOKEN_ENDPOINT_REDIRECTED'
  return status === 429 ? 'TOKEN_ENDPOINT_THROTTLED' : undefined
}

function codeByError({ answer: { status }, error }: Refusal): FailureCode | undefined {
  if (error?.meaning === 'TOKEN_ENDPOINT_THROTTLED') return error.meaning
  // Servers in an outage have called good refresh tokens invalid.
  return status >= 500 ? 'TOKEN_ENDPOINT_UNAVAILABLE' : error?.meaning
}

function codeByRest({ answer: { status }, body, error }: Refusal): FailureCode {
  if (wrongAddressStatuses.has(status)) return 'TOKEN_ENDPOINT_NOT_FOUND'
  if (openStatuses.has(status)) return 'TOKEN_ENDPOINT_UNAVAILABLE'
  if (body.ending === 'cut') return 'TOKEN_RESULT_UNKNOWN'
  if (status === 401) return 'CLIENT_REJECTED'
  if (deniedStatuses.has(status)) return 'TOKEN_ENDPOINT_DENIED'
  if (status >= 400 || error !== undefined) return 'REQUEST_REJECTED'
  return 'TOKEN_ANSWER_NOT_OAUTH'
}

function sentence({ answer, body, error, carriesRefreshToken }: Refusal, context: TokenAnswerContext): string {
  const start = `The token endpoint of ${providerText(context.provider)} answered with HTTP status ${answer.status}`
  const early = body.ending === 'cut' ? ', and the answer ended early' : ''
  if (carriesRefreshToken) return `${start} and a refresh token in an answer that is otherwise of no use${early}.`
  return `${start} and ${whatCame(body, error)}${early}.`
}

function whatCame({ looks }: AnswerBody, error: ReportedError | undefined): string {
  if (error !== undefined) return error.code === undefined ? 'an unknown error code' : `the error code ${error.code}`
  switch (looks) {
    case 'page':
      return 'a web page'
    case 'empty':
      return 'an empty body'
    case 'object':
    case 'form':
    case 'other':
      return 'neither tokens nor an OAuth error code'
  }
}

/** `Retry-After` in seconds, at least 1 and at most an hour. A date counts from the server's own clock where it tells it. */
function retryAfterSeconds(refusal: Refusal, context: TokenAnswerContext): number | undefined {
  const { error } = refusal
  const asked = askedWait(refusal, context)
  if (asked === undefined) return error?.minimumWaitSeconds
  const clamped = Math.min(longestWaitSeconds, Math.max(shortestWaitSeconds, asked))
  return Math.max(clamped, error?.minimumWaitSeconds ?? 0)
}

function askedWait({ answer, body }: Refusal, { startedAt }: TokenAnswerContext): number | undefined {
  const { retryAfter, date } = answer
  const text = retryAfter?.trim() ?? memberText(body.members.get('retry_after'))
  if (/^\d{1,12}(\.\d{1,9})?$/.test(text)) return Math.ceil(Number(text))
  const until = parseHttpDate(text)
  if (until === undefined) return undefined
  return secondsBetween((date === undefined ? undefined : parseHttpDate(date)) ?? startedAt, until)
}

/** Discord says in the body, too, how long to wait. */
function memberText(value: JsonValue | undefined): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value).trim() : ''
}
