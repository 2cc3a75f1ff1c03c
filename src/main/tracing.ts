import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Tracing } from '../ports/tracing.ts'
import { build } from './version.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The traces of this process. */
export interface ProcessTracing {
  /** Absent when nobody wants them. */
  readonly tracing?: Tracing
  /** Hands over what is left, within two seconds. The last that a process does: one that cannot be reached does not hold it. */
  end(): Promise<void>
}

/** Whether traces are wanted, and what of the wish cannot be had. */
export interface TraceWish {
  /** Where to; absent: nobody wants any. */
  readonly collector?: URL
  readonly problem?: string
}

const defaultCollector = 'http://localhost:4318'

/**
 * What the standard variables ask for. Unlike the specification's default, nothing is sent as long as nobody has
 * named an endpoint or the exporter.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function traceWish(environment: Environment): TraceWish {
  if (wordIn(environment, 'OTEL_SDK_DISABLED').toLowerCase() === 'true') return {}
  const exporters = wordIn(environment, 'OTEL_TRACES_EXPORTER')
    .toLowerCase()
    .split(/[\s,]+/)
  const named =
    wordIn(environment, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') || wordIn(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT')
  if (exporters.includes('otlp')) return wishFor(named || defaultCollector, environment)
  if (exporters.includes('')) return named === '' ? {} : wishFor(named, environment)
  return exporters.includes('none')
    ? {}
    : { problem: 'OTEL_TRACES_EXPORTER can be otlp or none here: no traces are sent.' }
}

function wishFor(endpoint: string, environment: Environment): TraceWish {
  const collector = URL.parse(endpoint)
  if (collector === null || !/^https?:$/.test(collector.protocol)) {
    return { problem: 'The endpoint for traces is no http or https address: no traces are sent.' }
  }
  const protocol =
    wordIn(environment, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') || wordIn(environment, 'OTEL_EXPORTER_OTLP_PROTOCOL')
  if (protocol === '' || protocol.toLowerCase().startsWith('http/')) return { collector }
  return { collector, problem: 'OTEL_EXPORTER_OTLP_PROTOCOL is another one: traces are sent by OTLP over HTTP.' }
}

/** Begins to trace, where the environment asks for it: only then is anything of it loaded. */
export async function openTracing(
  environment: Environment,
  replica: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<ProcessTracing> {
  const { collector, problem } = traceWish(environment)
  if (problem !== undefined) logger.warn({}, problem)
  if (collector === undefined) return { end: () => Promise.resolve() }
  const { OtlpTracing } = await import('../adapters/opentelemetry/otlp-tracing.ts')
  const tracing = new OtlpTracing({
    clock,
    logger,
    replica,
    version: build.version,
    collector: collector.host,
    sampler: environment['OTEL_TRACES_SAMPLER'],
    argument: environment['OTEL_TRACES_SAMPLER_ARG'],
    scheduledDelayMs: countIn(environment, 'OTEL_BSP_SCHEDULE_DELAY'),
    maxQueueSize: countIn(environment, 'OTEL_BSP_MAX_QUEUE_SIZE'),
  })
  return {
    tracing,
    end: async () => {
      if (!(await tracing.stop())) process.exit()
    },
  }
}

function wordIn(environment: Environment, name: string): string {
  return (environment[name] ?? '').trim()
}

/** A positive number of a variable, if it has one. */
function countIn(environment: Environment, name: string): number | undefined {
  const text = wordIn(environment, name)
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}
