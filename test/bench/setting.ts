import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ControllerProcess } from './controller-process.ts'
import type { FleetMember } from './fleet.ts'
import type { Helper } from './measured-process.ts'
import type { Question, ServersPlace } from './protocol.ts'

/** One API server with credentials on it, and the servers around it. */
export interface BenchSetting {
  readonly bundle: string
  readonly servers: Helper
  readonly place: ServersPlace
  /** Bearer token that the API server takes. */
  readonly token: string
  readonly size: number
  /** Puts every credential into the middle of its life. */
  readonly renew: () => Promise<readonly FleetMember[]>
}

/** Starts a controller on a renewed fleet, waits for its first token request, and ends it when `work` is done. */
export async function withController<T>(
  setting: BenchSetting,
  work: (controller: ControllerProcess, startSeconds: number) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'oauth-operator-bench-'))
  await ask(setting, { ask: 'fleet', members: await setting.renew() })
  const controller = await ControllerProcess.start({ ...setting, directory })
  try {
    const firstAtMs = await Promise.race([
      ask<number>(setting, { ask: 'first-token-request' }),
      sleep(60_000).then(() => {
        controller.assertRunning()
        throw new Error('the controller has sent no token request within a minute')
      }),
    ])
    return await work(controller, (firstAtMs - controller.startedAtMs) / 1000)
  } finally {
    await controller.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

export function ask<Answer>({ servers }: BenchSetting, question: Question): Promise<Answer> {
  return servers.ask<Answer>(question)
}
