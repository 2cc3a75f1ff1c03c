import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { SpanOpening, TraceSpan, Tracing } from '../../ports/tracing.ts'
import { OtlpSpan } from './otlp-span.ts'
import { QueuedSpans } from './queued-spans.ts'
import { samplerFor, type SamplerWish } from './sampler.ts'
import { ToldExporter } from './told-exporter.ts'

/** The name that OTEL_SERVICE_NAME changes. */
const serviceName = 'oauth-credential-operator'
/** For what is left at the end; part of the half minute that a Pod has after its last answer. */
const flushMs = 2000

export interface OtlpTracingOptions extends SamplerWish {
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  /** Which of several this process is. */
  readonly replica: string
  /** Host and port of the collector, for the log. */
  readonly collector: string
  /** Milliseconds between two hand-overs; absent: 5 s. */
  readonly scheduledDelayMs?: number | undefined
  /** Spans that wait at most; absent: 2048. What comes beyond is dropped. */
  readonly maxQueueSize?: number | undefined
}

/**
 * Traces that go to a collector by OTLP over HTTP, in JSON. Where it is, with which headers, certificates, timeout and
 * compression, the library reads from the environment, and so it does with the attributes of the process.
 */
export class OtlpTracing implements Tracing {
  readonly #clock: Clock
  readonly #provider: TracerProvider
  readonly #tracer: ReturnType<TracerProvider['getTracer']>

  constructor(options: OtlpTracingOptions) {
    const { clock, logger, version, replica, collector } = options
    const sampler = samplerFor(options)
    if (sampler === undefined) logger.warn({}, 'OTEL_TRACES_SAMPLER is not known here: all traces are kept.')
    const own = { 'service.name': serviceName, 'service.version': version, 'service.instance.id': replica }
    const exporter = new ToldExporter(new OTLPTraceExporter(), collector, logger)
    this.#clock = clock
    this.#provider = new TracerProvider({
      resource: defaultResource()
        .merge(resourceFromAttributes(own))
        .merge(detectResources({ detectors: [envDetector] })),
      ...(sampler && { sampler }),
      spanProcessors: [new QueuedSpans(exporter, options)],
    })
    this.#tracer = this.#provider.getTracer(serviceName, version)
  }

  begin(opening: SpanOpening): TraceSpan {
    const clock = this.#clock
    const originMs = clock.now() * 1000 - clock.monotonicMs()
    return OtlpSpan.root(opening, { tracer: this.#tracer, monotonicMs: () => clock.monotonicMs(), originMs })
  }

  /** Hands over what is left, for two seconds at most. False when something may still be under way then. */
  async stop(): Promise<boolean> {
    let cancel = (): void => undefined
    const late = new Promise<boolean>((resolve) => {
      cancel = this.#clock.wakeAfter(flushMs, () => resolve(false))
    })
    const ended = this.#provider.shutdown().then(
      () => true,
      () => false,
    )
    const isOver = await Promise.race([ended, late])
    cancel()
    return isOver
  }
}
