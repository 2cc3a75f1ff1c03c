import {
  type Attributes,
  type HrTime,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import type { SpanAttributes, SpanOpening, TraceSpan } from '../../ports/tracing.ts'

const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const

/** What the spans of one trace have in common. */
export interface SpanTools {
  readonly tracer: Tracer
  /** Milliseconds on the process's monotonic clock. */
  readonly monotonicMs: () => number
  /** Unix time in milliseconds at which that clock stood at zero, as seen when the trace began. */
  readonly originMs: number
}

/** A span of the library. */
export class OtlpSpan implements TraceSpan {
  readonly #span: Span
  readonly #tools: SpanTools

  private constructor(span: Span, tools: SpanTools) {
    this.#span = span
    this.#tools = tools
  }

  static root(opening: SpanOpening, tools: SpanTools): OtlpSpan {
    return new OtlpSpan(started(opening, undefined, tools), tools)
  }

  get traceId(): string | undefined {
    const context = this.#span.spanContext()
    const isSampled = isSpanContextValid(context) && (context.traceFlags & TraceFlags.SAMPLED) !== 0
    return isSampled ? context.traceId : undefined
  }

  child(opening: SpanOpening): TraceSpan {
    return new OtlpSpan(started(opening, this.#span, this.#tools), this.#tools)
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(defined(attributes))
  }

  end(attributes: SpanAttributes = {}): void {
    this.set(attributes)
    if (attributes['error.type'] !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end(timeAt(this.#tools.monotonicMs(), this.#tools))
  }
}

function started({ name, kind = 'internal', beganMs }: SpanOpening, parent: Span | undefined, tools: SpanTools): Span {
  const startTime = timeAt(beganMs ?? tools.monotonicMs(), tools)
  const context = parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent)
  return tools.tracer.startSpan(name, { kind: kinds[kind], startTime }, context)
}

function defined(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}

/** Seconds and nanoseconds, as the library keeps times. */
function timeAt(monotonicMs: number, { originMs }: SpanTools): HrTime {
  const atMs = originMs + monotonicMs
  const wholeSeconds = Math.floor(atMs / 1000)
  return [wholeSeconds, Math.floor((atMs - wholeSeconds * 1000) * 1e6)]
}
