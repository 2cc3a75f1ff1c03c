import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from '../../ports/logger.ts'

type Done = Parameters<SpanExporter['export']>[1]

/** As the library numbers them. */
const success = 0

/**
 * Hands spans to another exporter, and says when a collector does not take them: once when that begins, and once when
 * it is over, with how many are lost. Spans that were not taken are not kept. Nothing that the collector says is shown.
 */
export class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter
  readonly #logger: Logger
  /** Host and port of the collector. */
  readonly #collector: string
  #dropped = 0

  constructor(exporter: SpanExporter, collector: string, logger: Logger) {
    this.#exporter = exporter
    this.#collector = collector
    this.#logger = logger
  }

  export(spans: ReadableSpan[], done: Done): void {
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
