import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from '../../ports/logger.ts'

type Done = Parameters<SpanExporter['export']>[1]

/** As the library numbers them. */
const success = 0

/**
 * Hands spans to another exporter, and says when a collector does not take them, and when more end than may wait: each
 * once when that begins, and once when it is over, with how many are lost. Spans that were not taken are not kept.
 * Nothing that the collector says is shown.
 */
export class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter
  readonly #logger: Logger
  /** Host and port of the collector. */
  readonly #collector: string
  #dropped = 0
  #overflowed = 0
  /** As long as the hand-over before this one. */
  #overflowedBefore = 0

  constructor(exporter: SpanExporter, collector: string, logger: Logger) {
    this.#exporter = exporter
    this.#collector = collector
    this.#logger = logger
  }

  /** A span found the queue full. */
  overflow(): void {
    if (this.#overflowed === 0) {
      const fields = { collector: this.#collector }
      this.#logger.warn(fields, 'More spans end than may wait for the collector: some are dropped.')
    }
    this.#overflowed += 1
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#tellOverflow()
    const ended: Done = ({ code }) => {
      if (code === success) this.#taken()
      else this.#refused(spans.length)
      done({ code: success })
    }
    try {
      this.#exporter.export(spans, ended)
    } catch {
      ended({ code: 1 })
    }
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.()
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }

  /** It is over when nothing was dropped from one hand-over to the next. */
  #tellOverflow(): void {
    const dropped = this.#overflowed
    if (dropped > 0 && dropped === this.#overflowedBefore) {
      this.#logger.info({ collector: this.#collector, dropped }, 'Every span has found its place again.')
      this.#overflowed = 0
    }
    this.#overflowedBefore = this.#overflowed
  }

  #refused(count: number): void {
    if (this.#dropped === 0) {
      const fields = { collector: this.#collector }
      this.#logger.warn(fields, 'The collector does not take traces: they are dropped until it does.')
    }
    this.#dropped += count
  }

  #taken(): void {
    if (this.#dropped === 0) return
    this.#logger.info({ collector: this.#collector, dropped: this.#dropped }, 'The collector takes traces again.')
    this.#dropped = 0
  }
}
