import type { FailureCode } from '../../../src/domain/failures.ts'
import { canary } from '../../support/canary.ts'
import type { Refusal, Wire } from './token-answer-fixtures.ts'

/** How one provider answers refresh requests. */
export interface Dialect {
  /** By what is particular about the answer. */
  readonly issues: Readonly<Record<string, Issue>>
  readonly refuses: Readonly<Record<string, Refusal>>
}

/** An answer that brings tokens, and what is to be read out of it. */
export interface Issue {
  readonly wire: Wire
  /** Absent: the old one stays. */
  readonly refreshToken?: string
  /** Seconds. */
  readonly lifetime: number
  readonly refreshTokenLifetime?: number
  readonly scopes?: readonly string[]
}

/** The only access token of all fixtures, and their refresh and ID token. */
export const accessToken = canary('at')
export const refreshToken = canary('rt')
export const idToken = canary('secret')

/** An answer with a new refresh token. */
export function rotated(body: object, lifetime: number, more: Partial<Omit<Issue, 'wire'>> = {}): Issue {
  const wire = { body: { access_token: accessToken, refresh_token: refreshToken, ...body } }
  return { wire, refreshToken, lifetime, ...more }
}

/** An answer without a refresh token. */
export function kept(body: object, lifetime: number, more: Partial<Omit<Issue, 'wire'>> = {}): Issue {
  return { wire: { body: { access_token: accessToken, ...body } }, lifetime, ...more }
}

/** A refusal whose message names the error code; `undefined` for one that we do not know. */
export function refused(status: number, body: unknown, code: FailureCode, named: string | undefined): Refusal {
  const what = named === undefined ? 'an unknown error code' : `the error code ${named}`
  return { wire: { status, body }, code, says: `HTTP status ${status} and ${what}.` }
}

/** The refusal with a header that says when to come back, or a fixed wait. */
export function later(refusal: Refusal, retryAfterSeconds: number, retryAfter?: string): Refusal {
  const { wire } = refusal
  return { ...refusal, wire: { ...wire, ...(retryAfter !== undefined && { retryAfter }) }, retryAfterSeconds }
}

/** RFC 6749 §5.2. */
export function oauthError(error: string, description?: string, more: object = {}): object {
  return { error, ...(description !== undefined && { error_description: description }), ...more }
}
