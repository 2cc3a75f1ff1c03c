import type { Dispatcher } from 'undici'
import { Exchange, type ExchangeEnd, type WireRequest } from './exchange.ts'
import type { NoAnswer, RawAnswer } from './kube-answer.ts'
import { LineSplitter } from './line-splitter.ts'
import { AnswerBuffer, type CallLimits } from './plain-call.ts'

export interface WatchLimits extends CallLimits {
  /** The stream counts as dead when it is silent for so long. */
  readonly idleMs: number
}

/** How a watch ended: the stream was opened and ended, or it was never opened. */
export type WatchCallEnd =
  | { readonly kind: 'closed' }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'unanswered'; readonly problem: NoAnswer }
  | { readonly kind: 'refused'; readonly answer: RawAnswer }

/** Opens a watch and hands out its lines, parsed. Rejects only with what `onEvent` threw. */
export function watchCall(
  pool: Dispatcher,
  wire: WireRequest,
  onEvent: (event: unknown) => void,
  limits: WatchLimits,
): Promise<WatchCallEnd> {
  return new WatchCall(onEvent, limits).run(pool, wire)
}

class WatchCall {
  readonly #limits: WatchLimits
  readonly #refusal: AnswerBuffer
  readonly #lines: LineSplitter
  readonly #exchange: Exchange
  readonly #ended = Promise.withResolvers<WatchCallEnd>()
  readonly #onAbort = (): void => this.#exchange.abort('Aborted')
  #open = false
  #done = false
  #status = 0
  #heardAtMs: number
  #cancelTimer = (): void => {}

  constructor(onEvent: (event: unknown) => void, limits: WatchLimits) {
    this.#limits = limits
    this.#heardAtMs = limits.clock.monotonicMs()
    this.#refusal = new AnswerBuffer(() => {})
    this.#lines = new LineSplitter((line) => this.#line(line, onEvent))
    this.#exchange = new Exchange(
      {
        head: (status, headers) => this.#head(status, headers),
        data: (chunk) => this.#data(chunk),
      },
      (end) => this.#end(end),
    )
  }

  run(pool: Dispatcher, wire: WireRequest): Promise<WatchCallEnd> {
    this.#limits.signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.#watchSilence()
    this.#exchange.start(pool, wire)
    return this.#ended.promise
  }

  #head(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    this.#heard()
    this.#status = status
    this.#open = status === 200
    if (!this.#open) this.#refusal.head(status, headers)
    this.#cancelTimer()
    this.#watchSilence()
  }

  #data(chunk: Buffer): void {
    this.#heard()
    if (this.#open) this.#lines.push(chunk)
    else this.#refusal.data(chunk)
  }

  #line(line: string, onEvent: (event: unknown) => void): void {
    // The rest of a chunk whose first lines have ended the watch.
    if (this.#done) return
    const event = parseLine(line)
    if (event === undefined) this.#exchange.abort('InvalidEvent')
    else onEvent(event)
  }

  #heard(): void {
    this.#limits.heard()
    this.#heardAtMs = this.#limits.clock.monotonicMs()
  }

  /** One timer that looks how long it was silent, rather than one that every chunk starts again. */
  #watchSilence(): void {
    const { clock, idleMs, timeoutMs } = this.#limits
    const allowedMs = this.#status === 200 ? idleMs : timeoutMs
    const leftMs = this.#heardAtMs + allowedMs - clock.monotonicMs()
    if (leftMs <= 0) return this.#exchange.abort(this.#open ? 'Idle' : 'Timeout')
    this.#cancelTimer = clock.wakeAfter(leftMs, () => this.#watchSilence())
  }

  #end(end: ExchangeEnd): void {
    this.#done = true
    this.#cancelTimer()
    this.#limits.signal?.removeEventListener('abort', this.#onAbort)
    if (end.kind === 'bug') this.#ended.reject(end.error)
    else this.#ended.resolve(this.#ending(end))
  }

  #ending(end: Exclude<ExchangeEnd, { kind: 'bug' }>): WatchCallEnd {
    if (this.#limits.signal?.aborted === true) return { kind: 'closed' }
    if (end.kind === 'failed') {
      return this.#status === 0 ? { kind: 'unanswered', problem: end } : { kind: 'broken', reason: end.reason }
    }
    return this.#open ? { kind: 'closed' } : { kind: 'refused', answer: this.#refusal.complete() }
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}
