import type { SpanAttributes } from '../domain/span-attributes.ts'

export type { SpanAttributes } from '../domain/span-attributes.ts'

/** `client`: waits for an answer of another process. */
export type SpanKind = 'internal' | 'client'

export interface SpanOpening {
  readonly name: string
  readonly kind?: SpanKind
  /** On the clock's monotonic scale; absent: now. */
  readonly beganMs?: number
}

/** Something that takes its time, in a trace. None of the calls throws or waits. */
export interface TraceSpan {
  /** Of its trace: 32 hexadecimal digits. Undefined when nobody will see the trace, because it was not sampled. */
  readonly traceId: string | undefined
  /** A part of this one. */
  child(opening: SpanOpening): TraceSpan
  set(attributes: SpanAttributes): void
  /** To be called once, after its children have ended. With the attribute `error.type` it counts as failed. */
  end(attributes?: SpanAttributes): void
}

/**
 * Shows where the time of a refresh goes.
 *
 * Guarantees: what becomes of spans neither delays nor fails the work that they are about, and what is kept of them
 * until somebody has taken them is bounded.
 */
export interface Tracing {
  begin(opening: SpanOpening): TraceSpan
}
