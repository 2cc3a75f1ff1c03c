import type { Command } from 'commander'
import {
  endpointOptions,
  type EndpointFlags,
  environmentOption,
  logOptions,
  type LogFlags,
  parseAddress,
} from './shared-options.ts'

/** Flags of `standalone`, as typed. */
export interface StandaloneFlags extends EndpointFlags, LogFlags {
  readonly manifests: string
  readonly output: string
  readonly state?: string
  readonly installation?: string
  readonly metricsAddress?: string
}

/** Adds the command that does the same job without a cluster. */
export function addStandaloneCommand(program: Command, run: (flags: StandaloneFlags) => Promise<void>): void {
  const command = program
    .command('standalone')
    .description('Keep the credentials of a directory of manifests fresh, without a cluster.')
    .addOption(
      environmentOption(
        '--manifests <directory>',
        'manifests: OAuthCredentials, providers, stores, Secrets',
      ).makeOptionMandatory(),
    )
    .addOption(
      environmentOption('--output <directory>', 'where targets are written, one directory each').makeOptionMandatory(),
    )
    .addOption(environmentOption('--state <directory>', 'journal and status; default: .state below the output'))
    .addOption(
      environmentOption(
        '--installation <name>',
        'name under which documents of Vault and AWS are claimed; the same for runs that follow one another with a new state ' +
          'directory each, never for two at a time; default: made with the journal',
      ),
    )
    .addOption(
      environmentOption(
        '--metrics-address <host:port>',
        'where /metrics, /healthz and /readyz listen; default: nowhere',
      ).argParser(parseAddress),
    )
  for (const option of [...endpointOptions('all'), ...logOptions({ logFormat: 'pretty', auditLog: false })])
    command.addOption(option)
  command.action((flags: StandaloneFlags) => run(flags))
}
