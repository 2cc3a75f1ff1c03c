import { type Command, Option } from 'commander'
import { conditionOf } from '../domain/conditions.ts'
import type { CredentialKey } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import { endOfTime, type EpochSeconds } from '../domain/time.ts'
import { table } from './table.ts'

export interface StatusFlags {
  readonly output: string
  readonly state?: string
  readonly format: 'table' | 'json'
}

/** One credential as a status file has it. */
export interface CredentialStatus {
  readonly key: CredentialKey
  readonly state: CredentialState
  readonly nextRefreshAt?: EpochSeconds
}

/** Adds the command that prints what `standalone` last wrote of its credentials. */
export function addStatusCommand(program: Command, run: (flags: StatusFlags) => Promise<void>): void {
  program
    .command('status')
    .description('Print the credentials of a standalone output directory.')
    .requiredOption('--output <directory>', 'the output directory of standalone')
    .option('--state <directory>', 'its state directory; default: .state below the output')
    .addOption(new Option('-o, --format <format>', 'how to print').choices(['table', 'json']).default('table'))
    .action((flags: StatusFlags) => run(flags))
}

/** The credentials as kubectl would print them. */
export function statusTable(credentials: readonly CredentialStatus[], now: EpochSeconds): string {
  const header = ['NAMESPACE', 'NAME', 'READY', 'REASON', 'EXPIRES', 'REFRESHES', 'NEXT', 'MESSAGE']
  return table(
    header,
    credentials.map((credential) => statusRow(credential, now)),
  )
}

function statusRow({ key, state, nextRefreshAt }: CredentialStatus, now: EpochSeconds): readonly string[] {
  const ready = conditionOf(state.conditions, 'Ready')
  const trouble = conditionOf(state.conditions, 'Stalled') ?? conditionOf(state.conditions, 'Reconciling')
  return [
    key.namespace,
    key.name,
    ready?.status ?? 'Unknown',
    trouble?.reason ?? ready?.reason ?? '',
    fromNow(state.accessTokenExpiresAt, now),
    String(state.refreshes),
    fromNow(nextRefreshAt, now),
    trouble?.message ?? '',
  ]
}

/** `in 12m`, `3s ago`, `never`, or `-`. */
export function fromNow(time: EpochSeconds | undefined, now: EpochSeconds): string {
  if (time === undefined) return '-'
  if (time === endOfTime) return 'never'
  const text = spanText(Math.abs(time - now))
  return time >= now ? `in ${text}` : `${text} ago`
}

function spanText(span: number): string {
  if (span < 120) return `${Math.floor(span)}s`
  if (span < 7200) return `${Math.floor(span / 60)}m`
  return span < 172_800 ? `${Math.floor(span / 3600)}h` : `${Math.floor(span / 86_400)}d`
}
