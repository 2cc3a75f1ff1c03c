import { TraceFlags } from '@opentelemetry/api'
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace'
import type { ToldExporter } from './told-exporter.ts'

/** As specified. */
const usualQueueSize = 2048

export interface QueueWish {
  /** Milliseconds between two hand-overs; absent: 5 s. */
  readonly scheduledDelayMs?: number | undefined
  /** Spans that wait at most; absent: 2048. */
  readonly maxQueueSize?: number | undefined
}

/** The library's queue of spans that have ended. What comes when it is full is dropped, and told, which the library does not. */
export class QueuedSpans implements SpanProcessor {
  readonly #exporter: ToldExporter
  readonly #queue: BatchSpanProcessor
  readonly #most: number
  #waiting = 0

  constructor(exporter: ToldExporter, { scheduledDelayMs, maxQueueSize = usualQueueSize }: QueueWish) {
    this.#exporter = exporter
    this.#most = maxQueueSize
    this.#queue = new BatchSpanProcessor({
      exporter: this.#counted(exporter),
      maxQueueSize,
      ...(scheduledDelayMs !== undefined && { scheduledDelayMillis: scheduledDelayMs }),
    })
  }

  onStart(): void {
    // Nothing is done with spans that have not ended.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    if (this.#waiting >= this.#most) return this.#exporter.overflow()
    this.#waiting += 1
    this.#queue.onEnd(span)
  }

  forceFlush(): Promise<void> {
    return this.#queue.forceFlush()
  }

  shutdown(): Promise<void> {
    return this.#queue.shutdown()
  }

  /** What is handed over does not wait any more. */
  #counted(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) => {
        this.#waiting -= spans.length
        exporter.export(spans, done)
      },
      forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
      shutdown: () => exporter.shutdown(),
    }
  }
}
