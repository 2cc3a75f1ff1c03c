import { type Command, Option } from 'commander'
import { type DurationSeconds, minutes } from '../domain/time.ts'
import {
  endpointOptions,
  type EndpointFlags,
  environmentOption,
  environmentSwitch,
  logOptions,
  type LogFlags,
  parseAddress,
  parseCount,
  parseInterval,
  parseNamespaces,
} from './shared-options.ts'

/** Flags of `controller`, as typed; every one has an environment variable of the same name. */
export interface ControllerFlags extends EndpointFlags, LogFlags {
  readonly kubeconfig?: string
  readonly serviceAccountDirectory?: string
  readonly namespace?: string
  readonly watchNamespaces: readonly string[]
  readonly leaderElect: boolean
  readonly leaseName: string
  readonly identity?: string
  readonly journal?: string
  readonly metricsAddress: string
  readonly healthAddress: string
  readonly perCredentialMetrics: boolean
  readonly driftRepair: boolean
  readonly warnOfStaleReaders: boolean
  readonly targetCheckInterval: DurationSeconds
  readonly minimumRestartInterval?: DurationSeconds
  readonly restartsPerMinute?: number
}

/** Adds the command that runs the operator against a Kubernetes API server. */
export function addControllerCommand(program: Command, run: (flags: ControllerFlags) => Promise<void>): void {
  const command = program
    .command('controller')
    .description('Watch OAuthCredentials on a Kubernetes API server and keep their target Secrets fresh.')
    .addOption(
      environmentOption(
        '--kubeconfig <path>',
        'kubeconfig; default: $KUBECONFIG, else the cluster this runs in, else ~/.kube/config',
      ),
    )
    .addOption(
      environmentOption(
        '--service-account-directory <directory>',
        'in a Pod: where token, ca.crt and namespace are mounted; default: where kubelet mounts them',
      ),
    )
    .addOption(
      environmentOption(
        '--namespace <name>',
        "the operator's own namespace: its Lease, and the Secrets that cluster-scoped kinds name; " +
          "default: that of the Pod, or of the kubeconfig's context, else oauth-credential-operator",
      ),
    )
    .addOption(
      environmentOption('--watch-namespaces <names>', 'only these namespaces, comma-separated')
        .argParser(parseNamespaces)
        .default([], 'all'),
    )
    .addOption(environmentSwitch('--leader-elect', 'elect a leader among the replicas').default(true))
    .addOption(new Option('--no-leader-elect', 'do not elect a leader; only where no second replica can ever run'))
    .addOption(environmentOption('--lease-name <name>', 'name of the Lease').default('oauth-credential-operator'))
    .addOption(environmentOption('--identity <name>', 'this replica in the Lease; default: host name and process id'))
    .addOption(
      environmentOption(
        '--journal <directory>',
        'directory of the journal; best a memory-backed emptyDir; default: below the temporary directory',
      ),
    )
    .addOption(
      environmentOption('--metrics-address <host:port>', 'where /metrics listens')
        .argParser(parseAddress)
        .default('0.0.0.0:8080'),
    )
    .addOption(
      environmentOption('--health-address <host:port>', 'where /healthz and /readyz listen')
        .argParser(parseAddress)
        .default('0.0.0.0:8081'),
    )
    .addOption(environmentSwitch('--per-credential-metrics', 'show gauges of single credentials').default(true))
    .addOption(new Option('--no-per-credential-metrics', 'leave the gauges of single credentials out of /metrics'))
  const shared = [...endpointOptions('cluster-stores-only'), ...logOptions({ logFormat: 'json', auditLog: true })]
  for (const option of [...watchingOptions(), ...boundingOptions(), ...shared]) command.addOption(option)
  command.action((flags: ControllerFlags) => run(flags))
}

/** What is off because it needs rights of its own. */
function watchingOptions(): readonly Option[] {
  return [
    environmentSwitch(
      '--drift-repair',
      'watch the metadata of target Secrets and put back at once what somebody changes; needs list and watch on Secrets',
    ).default(false),
    environmentSwitch(
      '--warn-of-stale-readers',
      'say when pods read a target in a way that no new token reaches; wants the right to list pods',
    ).default(false),
  ]
}

/** What a platform decides for all credentials. */
function boundingOptions(): readonly Option[] {
  return [
    environmentOption('--target-check-interval <duration>', 'how often each target is compared with what was published')
      .argParser(parseInterval)
      .default(minutes(10), '10m'),
    environmentOption(
      '--minimum-restart-interval <duration>',
      'least time between two restarts of a workload, also where a credential asks for a shorter one; default: what it asks for',
    ).argParser(parseInterval),
    environmentOption(
      '--restarts-per-minute <number>',
      'restarts of workloads, of all namespaces together, that are begun within a minute; default: as many as are wanted',
    ).argParser(parseCount),
  ]
}
