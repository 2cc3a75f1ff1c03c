import { join } from 'node:path'
import { readStatusFile } from '../../src/adapters/files/status-file.ts'
import { decodeState, decodeTime } from '../../src/api/decode.ts'
import { conditionOf } from '../../src/domain/conditions.ts'
import { type EpochSeconds, epochSeconds } from '../../src/domain/time.ts'
import type { DemoCredential, Workspace } from './workspace.ts'

/** What the demo shows of a credential. */
export interface CredentialView {
  readonly name: string
  /** Status of the condition; `-` before there is one. */
  readonly ready: string
  readonly expiresAt: EpochSeconds | undefined
  readonly refreshes: number
  readonly nextRefreshAt: EpochSeconds | undefined
  readonly file: string
}

export function now(): EpochSeconds {
  return epochSeconds(Date.now() / 1000)
}

export function statusFileOf({ directory }: Workspace): string {
  return join(directory, '.state', 'status.json')
}

/** The credentials as standalone mode last reported them. */
export async function readViews(workspace: Workspace): Promise<readonly CredentialView[]> {
  const entries = await readStatusFile(statusFileOf(workspace))
  return workspace.credentials.map((credential) =>
    view(credential, entries.find(({ name }) => name === credential.name)?.status ?? {}),
  )
}

function view({ name, file }: DemoCredential, status: Readonly<Record<string, unknown>>): CredentialView {
  const { conditions, accessTokenExpiresAt: expiresAt, refreshes } = decodeState(status)
  const ready = conditionOf(conditions, 'Ready')?.status ?? '-'
  return { name, file, ready, expiresAt, refreshes, nextRefreshAt: decodeTime(status['nextRefreshTime']) }
}
