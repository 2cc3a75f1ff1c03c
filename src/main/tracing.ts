import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Tracing } from '../ports/tracing.ts'
import { type Environment, traceProblems, type TraceProblem, wordIn } from './trace-environment.ts'
import { build } from './version.ts'

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
  readonly problems?: readonly TraceProblem[]
}

const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const
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
  const name = endpoints.find((each) => wordIn(environment, each) !== '')
  if (exporters.includes('otlp')) return wishFor(name, environment)
  if (exporters.includes('')) return name === undefined ? {} : wishFor(name, environment)
  return exporters.includes('none')
    ? {}
    : { problems: [{ message: 'OTEL_TRACES_EXPORTER can be otlp or none here: no traces are sent.' }] }
}

/** `name`: of the variable that has the endpoint; absent: the default. */
function wishFor(name: string | undefined, environment: Environment): TraceWish {
  const collector = URL.parse(name === undefined ? defaultCollector : wordIn(environment, name))
  if (collector === null || !/^https?:$/.test(collector.protocol)) {
    return { problems: [{ message: `${name} is no http or https address: no traces are sent.` }] }
  }
  const problems = [...protocolProblems(environment), ...traceProblems(environment)]
  return problems.some(({ isFatal }) => isFatal) ? { problems } : { collector, problems }
}

function protocolProblems(environment: Environment): readonly TraceProblem[] {
  const protocol =
    wordIn(environment, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') || wordIn(environment, 'OTEL_EXPORTER_OTLP_PROTOCOL')
  if (protocol === '' || protocol.toLowerCase().startsWith('http/')) return []
  return [{ message: 'OTEL_EXPORTER_OTLP_PROTOCOL is another one: traces are sent by OTLP over HTTP.' }]
}

/** Begins to trace, where the environment asks for it: only then is anything of it loaded. */
export async function openTracing(
  environment: Environment,
  replica: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<ProcessTracing> {
  const { collector, problems = [] } = traceWish(environment)
  for (const { message, code } of problems) logger.warn(code === undefined ? {} : { code }, message)
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

/** A positive number of a variable, if it has one. */
function countIn(environment: Environment, name: string): number | undefined {
  const text = wordIn(environment, name)
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}
