import type { FailureCode } from '../../../src/domain/failures.ts'
import type { TokenAnswer } from '../../../src/domain/token-exchange.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'

/** An answer as it comes off the wire. */
export interface Wire {
  readonly status?: number
  readonly contentType?: string
  readonly retryAfter?: string
  readonly date?: string
  readonly complete?: boolean
  readonly body: unknown
}

/** Bodies that are not text become JSON. */
function wireText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}

export function anAnswer({
  status = 200,
  contentType = 'application/json',
  complete = true,
  ...rest
}: Wire): TokenAnswer {
  const { retryAfter, date, body } = rest
  return {
    status,
    contentType,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(date !== undefined && { date }),
    body: new Sensitive(wireText(body)),
    complete,
  }
}

export interface Refusal {
  readonly wire: Wire
  readonly code: FailureCode
  /** What the message must say after the provider; every other word of the body must stay out of it. */
  readonly says: string
  readonly retryAfterSeconds?: number
}
