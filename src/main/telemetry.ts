import { createLogger, type ProcessLogger } from '../adapters/pino/create-logger.ts'
import { LoggedAudit } from '../adapters/pino/logged-audit.ts'
import { PrometheusMetrics } from '../adapters/prometheus/prometheus-metrics.ts'
import { EventLoopCheck } from '../adapters/system/event-loop-check.ts'
import type { HealthCheck } from '../adapters/system/health-check.ts'
import { HealthServer } from '../adapters/system/health-server.ts'
import { SystemClock } from '../adapters/system/system-clock.ts'
import type { Operator } from '../app/operator.ts'
import type { LogFlags } from '../cli/shared-options.ts'
import type { Clock } from '../ports/clock.ts'
import type { AuditLog } from '../ports/audit-log.ts'
import { cannotListen } from './cannot-begin.ts'
import { listenAddress } from './listen-address.ts'
import { build } from './version.ts'

/** What every mode observes itself with. */
export interface Telemetry {
  readonly clock: Clock
  readonly logger: ProcessLogger
  readonly metrics: PrometheusMetrics
}

export function telemetry(flags: LogFlags, perCredential: boolean): Telemetry {
  const clock = new SystemClock()
  const logger = createLogger({ level: flags.logLevel, destination: 1, pretty: flags.logFormat === 'pretty' })
  return { clock, logger, metrics: new PrometheusMetrics({ clock, perCredential, ...build }) }
}

/** The audit log of this process, where one is wanted. `replica`: which of several this is. */
export function auditLog(
  flags: Pick<LogFlags, 'auditLog'>,
  logger: ProcessLogger,
  replica: string,
): { readonly audit?: AuditLog } {
  return flags.auditLog ? { audit: new LoggedAudit(logger.unfiltered({ logger: 'audit', replica })) } : {}
}

export interface ServedHealth {
  readonly metricsAddress?: string
  readonly healthAddress?: string
  readonly liveness: readonly HealthCheck[]
  readonly readiness: readonly HealthCheck[]
}

/** Connects the metrics with what they show, and serves metrics and probes. Resolves with what stops it; rejects with CannotBegin when an address cannot be listened at. */
export async function serve(
  { logger, metrics }: Telemetry,
  operator: Operator,
  { metricsAddress, healthAddress, liveness, readiness }: ServedHealth,
): Promise<() => Promise<void>> {
  metrics.observeCredentials(() => operator.gauges())
  metrics.observeQueue(operator.queueGauges)
  metrics.observeTokenHosts(() => operator.tokenHosts())
  const eventLoop = new EventLoopCheck(new SystemClock({ unref: true }))
  const server = new HealthServer({
    ...(metricsAddress !== undefined && { metricsAddress: listenAddress(metricsAddress) }),
    ...(healthAddress !== undefined && { healthAddress: listenAddress(healthAddress) }),
    scrape: metrics,
    liveness: [eventLoop, ...liveness],
    readiness,
    logger,
  })
  try {
    await server.start()
  } catch (error) {
    throw cannotListen(error)
  }
  eventLoop.start()
  return async () => {
    eventLoop.stop()
    await server.stop()
  }
}
