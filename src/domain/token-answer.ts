import { readAnswerBody, type AnswerBody } from './token-answer-body.ts'
import { reportedError, type ReportedError } from './token-answer-errors.ts'
import { refusalFailure } from './token-answer-failure.ts'
import { salvagedRefreshToken } from './token-answer-salvage.ts'
import { findRefreshToken, hasAccessToken, issuedTokens, type TokenAnswerContext } from './token-answer-tokens.ts'
import type { ResponseForm } from './provider.ts'
import type { Sensitive } from './sensitive.ts'
import type { TokenAnswer, TokenAnswerReading } from './token-exchange.ts'

/**
 * Says what an answer of a token endpoint means.
 *
 * The refresh token is taken out first, from whatever arrived: a server that has issued one has
 * killed the old one, so an answer that is cut, or wrong in any other member, must not throw it
 * away. Only then is the answer judged.
 *
 * Guarantees: never throws; takes time linear in the body; the same answer always reads the same; a
 * refresh token that did not arrive whole is never returned; no text of the answer but an error code
 * that is known, or named by the manifest, is in the failure's message.
 *
 * Where the manifest says how answers look, that goes first; what it does not say, or what is not
 * there, is looked for as RFC 6749 has it, and as known servers do.
 *
 * Failures: TOKEN_ANSWER_INCOMPLETE and TOKEN_RESULT_UNKNOWN, alone among these, may come with a
 * refresh token. REFRESH_TOKEN_REJECTED, REFRESH_TOKEN_REUSED, INTERACTION_REQUIRED, CLIENT_REJECTED,
 * SCOPE_REJECTED, REQUEST_REJECTED, TOKEN_ENDPOINT_THROTTLED, TOKEN_ENDPOINT_UNAVAILABLE,
 * TOKEN_ENDPOINT_DENIED, TOKEN_ENDPOINT_REDIRECTED, TOKEN_ENDPOINT_NOT_FOUND, TOKEN_ANSWER_NOT_OAUTH.
 *
 * @see RFC 6749 §5.1, §5.2
 */
export function readTokenAnswer(answer: TokenAnswer, context: TokenAnswerContext): TokenAnswerReading {
  const { response } = context.provider
  const body = readAnswerBody(answer)
  const refreshToken = rotatedRefreshToken(answer, body, response)
  const error = reportedError(body, response, hasAccessToken(body.members, response))
  const tokens = isIssue(answer, body, error) ? issuedTokens(body.members, context) : undefined
  if (tokens !== undefined) return { kind: 'issued', tokens }
  const carriesRefreshToken = refreshToken !== undefined
  const failure = refusalFailure({ answer, body, error, carriesRefreshToken }, context)
  return carriesRefreshToken ? { kind: 'refused', failure, refreshToken } : { kind: 'refused', failure }
}

/**
 * The refresh token that the server has issued with this answer. One that stands in an error without
 * an access token beside it is an echo of the request, perhaps a masked one: writing it back could
 * replace a good token by asterisks.
 */
function rotatedRefreshToken(answer: TokenAnswer, body: AnswerBody, response: ResponseForm): Sensitive | undefined {
  const { members, ending } = body
  const accompanied = hasAccessToken(members, response)
  const issued = accompanied || (isSuccess(answer.status) && reportedError(body, response, false) === undefined)
  if (!issued) return undefined
  const found = findRefreshToken(members, response)
  // A whole answer with an access token and no refresh token is what servers send that do not rotate.
  const isRegular = accompanied && ending === 'whole'
  return found === undefined && !isRegular ? salvagedRefreshToken(answer.body.reveal(), response) : found
}

function isIssue({ status }: TokenAnswer, { ending }: AnswerBody, error: ReportedError | undefined): boolean {
  return isSuccess(status) && ending === 'whole' && error === undefined
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}
