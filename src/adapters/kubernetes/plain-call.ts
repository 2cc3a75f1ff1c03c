import type { Dispatcher } from 'undici'
import type { Clock } from '../../ports/clock.ts'
import { Exchange, type WireRequest } from './exchange.ts'
import { retryAfterSeconds, type NoAnswer, type RawAnswer } from './kube-answer.ts'

export interface CallLimits {
  readonly clock: Clock
  /** For sending, head and body together. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Called whenever bytes arrive. */
  readonly heard: () => void
}

/** Sends a request and reads the answer to its end. */
export function plainCall(pool: Dispatcher, wire: WireRequest, limits: CallLimits): Promise<RawAnswer | NoAnswer> {
  return new Promise((resolve, reject) => {
    const answer = new AnswerBuffer(limits.heard)
    const exchange = new Exchange(answer, (end) => {
      cancelTimer()
      limits.signal?.removeEventListener('abort', onAbort)
      if (end.kind === 'complete') resolve(answer.complete())
      else if (end.kind === 'failed') resolve(end)
      else reject(end.error)
    })
    const onAbort = (): void => exchange.abort(abortReason(limits.signal))
    const cancelTimer = limits.clock.wakeAfter(limits.timeoutMs, () => exchange.abort('Timeout'))
    limits.signal?.addEventListener('abort', onAbort, { once: true })
    exchange.start(pool, wire)
  })
}

/** The reason that a signal was aborted with; `Aborted` unless it is one of our own. */
export function abortReason(signal: AbortSignal | undefined): string {
  return typeof signal?.reason === 'string' ? signal.reason : 'Aborted'
}

/** Collects an answer. */
export class AnswerBuffer {
  readonly #heard: () => void
  readonly #chunks: Buffer[] = []
  #status = 0
  #retryAfter: number | undefined

  constructor(heard: () => void) {
    this.#heard = heard
  }

  head(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    this.#heard()
    this.#status = status
    this.#retryAfter = retryAfterSeconds(headers['retry-after'])
  }

  data(chunk: Buffer): void {
    this.#heard()
    this.#chunks.push(chunk)
  }

  complete(): RawAnswer {
    const [first] = this.#chunks
    const whole = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
    return { status: this.#status, retryAfterSeconds: this.#retryAfter, text: whole.toString('utf8') }
  }
}
