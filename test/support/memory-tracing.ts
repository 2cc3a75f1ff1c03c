import type { SpanAttributes, SpanOpening, TraceSpan, Tracing } from '../../src/ports/tracing.ts'
import { observeOutput } from './canary.ts'

/** A span in memory, and what is part of it. */
export class MemorySpan implements TraceSpan {
  readonly traceId: string
  readonly name: string
  readonly parts: MemorySpan[] = []
  attributes: SpanAttributes = {}
  ends = 0

  constructor(traceId: string, { name }: SpanOpening) {
    this.traceId = traceId
    this.name = name
  }

  child(opening: SpanOpening): MemorySpan {
    if (this.ends > 0) throw new Error(`${this.name} has ended before ${opening.name} begins`)
    const part = new MemorySpan(this.traceId, opening)
    this.parts.push(part)
    return part
  }

  set(attributes: SpanAttributes): void {
    observeOutput('traces', JSON.stringify([this.name, attributes]))
    this.attributes = { ...this.attributes, ...attributes }
  }

  end(attributes: SpanAttributes = {}): void {
    this.set(attributes)
    this.ends += 1
    if (this.parts.some(({ ends }) => ends !== 1)) throw new Error(`${this.name} ends before its parts`)
  }

  /** This span or a part of it. */
  find(name: string): MemorySpan | undefined {
    if (this.name === name) return this
    return this.parts.map((part) => part.find(name)).find((found) => found !== undefined)
  }
}

/** Traces in memory; everything in them is searched for secrets. */
export class MemoryTracing implements Tracing {
  readonly traces: MemorySpan[] = []

  begin(opening: SpanOpening): MemorySpan {
    const root = new MemorySpan(`trace-${this.traces.length + 1}`, opening)
    this.traces.push(root)
    return root
  }
}
