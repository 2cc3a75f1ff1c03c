import { expect, test } from 'vitest'
import { asClientFailure, clientProblem } from '../../../src/domain/client-credentials.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import { aClientCredential, aConfidentialClient, aProvider } from '../../support/builders.ts'

/** What a token endpoint and the way to it can bring. */
const codes: readonly FailureCode[] = [
  'CLIENT_REJECTED',
  'CLIENT_SECRET_UNAVAILABLE',
  'ENDPOINT_NOT_ALLOWED',
  'INTERACTION_REQUIRED',
  'REFRESH_TOKEN_REJECTED',
  'REFRESH_TOKEN_REUSED',
  'REQUEST_REJECTED',
  'SCOPE_REJECTED',
  'TOKEN_ANSWER_INCOMPLETE',
  'TOKEN_ANSWER_NOT_OAUTH',
  'TOKEN_ENDPOINT_DENIED',
  'TOKEN_ENDPOINT_NOT_FOUND',
  'TOKEN_ENDPOINT_REDIRECTED',
  'TOKEN_ENDPOINT_THROTTLED',
  'TOKEN_ENDPOINT_UNAVAILABLE',
  'TOKEN_ENDPOINT_UNREACHABLE',
  'TOKEN_RESULT_UNKNOWN',
]

test.each(codes)('%s of a client tells what was found, and speaks of no refresh token', (code) => {
  const told = asClientFailure(failure(code, 'The server said so.', 7))
  expect(told.message).toMatch(/^The server said so\. [A-Z].*\.$/)
  expect(told.message).not.toMatch(/refresh token|log in/i)
  expect(told.code).not.toMatch(/REFRESH|INTERACTION/)
  expect(told.retryAfterSeconds).toBe(7)
})

test('a dead refresh token of a client that has none is a refused client', () => {
  const told = asClientFailure(failure('REFRESH_TOKEN_REJECTED', 'The server said so.'))
  expect(told).toEqual(asClientFailure(failure('CLIENT_REJECTED', 'The server said so.')))
  expect(told).toMatchObject({ code: 'CLIENT_REJECTED', reason: 'ClientRejected', next: 'stall' })
})

test('a client has to prove itself', () => {
  expect(clientProblem(aClientCredential(), aProvider())?.message).toMatch(/^OAuthProvider ci\/gateway is of no use to/)
  expect(clientProblem(aClientCredential(), aProvider({ client: aConfidentialClient }))).toBeUndefined()
})
