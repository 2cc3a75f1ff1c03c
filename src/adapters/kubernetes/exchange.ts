import type { Dispatcher } from 'undici'

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string
  /** With query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Takes an answer as it arrives. What it throws is a bug. */
export interface AnswerReader {
  head(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void
  data(chunk: Buffer): void
}

export type ExchangeEnd =
  | { readonly kind: 'complete' }
  /** `sent` is false only when no byte of the request can have left. */
  | { readonly kind: 'failed'; readonly reason: string; readonly sent: boolean }
  /** The reader threw. */
  | { readonly kind: 'bug'; readonly error: Error }

/**
 * One HTTP exchange.
 *
 * undici's `dispatch` is used rather than `request` because it tells when the request starts to be
 * written, which is what decides whether a failed write may have been carried out; it also hands out
 * chunks without a stream in between.
 */
export class Exchange {
  readonly #reader: AnswerReader
  readonly #onEnd: (end: ExchangeEnd) => void
  #controller: Dispatcher.DispatchController | undefined
  #ended = false

  constructor(reader: AnswerReader, onEnd: (end: ExchangeEnd) => void) {
    this.#reader = reader
    this.#onEnd = onEnd
  }

  start(dispatcher: Dispatcher, wire: WireRequest): void {
    const { method, path, headers, body } = wire
    dispatcher.dispatch(
      { method, path, headers, body: body ?? null },
      {
        onRequestStart: (controller) => this.#started(controller),
        onResponseStart: (_controller, status, answered) => this.#read(() => this.#reader.head(status, answered)),
        onResponseData: (_controller, chunk) => this.#read(() => this.#reader.data(chunk)),
        onResponseEnd: () => this.#end({ kind: 'complete' }),
        onResponseError: (_controller, error) => this.#failed(reasonOf(error)),
      },
    )
  }

  /** Ends the exchange now, if it has not ended. The connection is closed with it. */
  abort(reason: string): void {
    this.#failed(reason)
  }

  #started(controller: Dispatcher.DispatchController): void {
    // Aborted while it waited for a connection: it must not be sent any more.
    if (this.#ended) controller.abort(new Error('abandoned'))
    else this.#controller = controller
  }

  #read(read: () => void): void {
    if (this.#ended) return
    try {
      read()
    } catch (error) {
      this.#end({ kind: 'bug', error: asError(error) })
      this.#controller?.abort(new Error('abandoned'))
    }
  }

  #failed(reason: string): void {
    if (this.#ended) return
    this.#end({ kind: 'failed', reason, sent: this.#controller !== undefined })
    this.#controller?.abort(new Error('abandoned'))
  }

  #end(end: ExchangeEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd(end)
  }
}

/** The code of a transport error, for example `ECONNREFUSED`; its text is left out, it may quote what a server sent. */
function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code
  return 'TransportError'
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('something that is not an Error was thrown', { cause: thrown })
}
