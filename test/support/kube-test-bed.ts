import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectionSettings, ConnectionSettingsSource } from '../../src/adapters/kubernetes/connection-settings.ts'
import { KubeTransport, type KubeTransportOptions } from '../../src/adapters/kubernetes/transport.ts'
import { ok, type Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { memoryMetrics } from './memory-metrics.ts'
import { LogLines } from './memory-ports.ts'
import { ScaledClock } from './scaled-clock.ts'
import type { ScriptedApiServer } from './scripted-api-server.ts'

/** Connection settings that a test changes. */
export class SettableSettings implements ConnectionSettingsSource {
  settings: ConnectionSettings
  reads = 0

  constructor(server: string, token: string, more: Partial<ConnectionSettings> = {}) {
    this.settings = { server, headers: bearer(token), ...more }
  }

  rotateTo(token: string): void {
    this.settings = { ...this.settings, headers: bearer(token) }
  }

  read(): Promise<Result<ConnectionSettings>> {
    this.reads += 1
    return Promise.resolve(ok(this.settings))
  }
}

export interface TestBed {
  readonly transport: KubeTransport
  readonly settings: SettableSettings
  readonly clock: ScaledClock
  readonly log: LogLines
  readonly counts: ReadonlyMap<string, number>
}

/** A transport to a scripted server, on a clock that runs 100 times faster. */
export function transportTo(
  server: ScriptedApiServer,
  token = 'unchecked',
  more: Partial<KubeTransportOptions> = {},
): TestBed {
  const clock = new ScaledClock(100)
  const log = new LogLines()
  const settings = new SettableSettings(server.url, token)
  const { metrics, counts } = memoryMetrics()
  const transport = new KubeTransport({
    settings,
    clock,
    random: () => 0.5,
    logger: log,
    metrics,
    allowPlainHttp: true,
    // A second of real time: generous to a machine that is busy with other tests.
    attemptTimeoutMs: 100_000,
    ...more,
  })
  return { transport, settings, clock, log, counts }
}

function bearer(token: string): Sensitive<Readonly<Record<string, string>>> {
  return new Sensitive({ authorization: `Bearer ${token}` })
}

/** Waits in real time until `condition` holds; fails after 5 s with what was waited for. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (condition()) return
    await delay(5)
  }
  throw new Error(`waited in vain: ${what}`)
}
