import { existsSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type IdentifiedJournal, openIdentifiedJournal } from '../adapters/files/journal-id.ts'
import { chooseConnection, kubeconfigFiles } from '../adapters/kubernetes/choose-connection.ts'
import type { ConnectionSettings, ConnectionSettingsSource } from '../adapters/kubernetes/connection-settings.ts'
import { KubernetesConsumers } from '../adapters/kubernetes/consumers.ts'
import { KubernetesEventRecorder } from '../adapters/kubernetes/event-recorder.ts'
import { RecordWatch } from '../adapters/kubernetes/record-watch.ts'
import { KubernetesRefreshRecords } from '../adapters/kubernetes/refresh-records.ts'
import { KubernetesResourceSource } from '../adapters/kubernetes/resource-source.ts'
import { KubernetesSecretReader } from '../adapters/kubernetes/secret-reader.ts'
import { KubernetesSecretStore } from '../adapters/kubernetes/secret-store.ts'
import { KubernetesServiceAccountTokens } from '../adapters/kubernetes/service-account-tokens.ts'
import { KubernetesStatusWriter } from '../adapters/kubernetes/status-writer.ts'
import { TargetSecrets } from '../adapters/kubernetes/target-secret.ts'
import { KubernetesTargetWatch, type KubernetesTargetWatchOptions } from '../adapters/kubernetes/target-watch.ts'
import { KubeTransport } from '../adapters/kubernetes/transport.ts'
import { HttpTokenEndpoint } from '../adapters/oauth/http-token-endpoint.ts'
import { newSealingKey } from '../adapters/system/sealing-key.ts'
import { systemRandom } from '../adapters/system/system-random.ts'
import { systemTextCodec } from '../adapters/system/text-codec.ts'
import { tokenFingerprint } from '../adapters/system/token-fingerprint.ts'
import { decodeResource } from '../api/decode.ts'
import { Operator, type OperatorParts } from '../app/operator.ts'
import type { ControllerFlags } from '../cli/controller-command.ts'
import { present } from '../domain/present.ts'
import { orEnd } from './cannot-begin.ts'
import { ClusterIdentity } from './cluster-identity.ts'
import { startCandidate } from './candidate.ts'
import { crashOnBug, endSignal, leave } from './process-end.ts'
import { readiness } from './readiness.ts'
import { readOwnServiceAccountToken } from './service-account.ts'
import { remoteStores } from './stores.ts'
import { auditLog, serve, type Telemetry, telemetry } from './telemetry.ts'
import { openTracing, type ProcessTracing } from './tracing.ts'
import { build } from './version.ts'
import { watchLiveness } from './watch-liveness.ts'

const defaultNamespace = 'oauth-credential-operator'

/**
 * Runs the operator against a Kubernetes API server until SIGTERM or SIGINT. What is under way is
 * finished before the Lease is given up and the process ends.
 * Exit codes: 0 after a clean end, 1 when it cannot begin, 70 at a bug.
 */
export async function controller(flags: ControllerFlags): Promise<void> {
  const observed = telemetry(flags, flags.perCredentialMetrics)
  const { logger } = observed
  const crash = crashOnBug(logger)
  process.on('unhandledRejection', crash)
  process.on('uncaughtException', crash)
  const ended = endSignal()
  const choice = {
    kubeconfig: flags.kubeconfig,
    serviceAccountDirectory: flags.serviceAccountDirectory,
    environment: {
      KUBECONFIG: process.env['KUBECONFIG'],
      HOME: process.env['HOME'],
      KUBERNETES_SERVICE_HOST: process.env['KUBERNETES_SERVICE_HOST'],
      KUBERNETES_SERVICE_PORT: process.env['KUBERNETES_SERVICE_PORT'],
    },
  }
  const [settings, files] = [chooseConnection(choice), kubeconfigFiles(choice)]
  if (settings === undefined) return cannotBegin('There is no cluster: give --kubeconfig, or run in a Pod.')
  if (files?.some((file) => existsSync(file)) === false) {
    const remedy = 'name one with --kubeconfig or in $KUBECONFIG'
    return cannotBegin(`There is no cluster: the kubeconfig ${files.join(' or ')} does not exist; ${remedy}.`)
  }
  const directory = flags.journal ?? join(tmpdir(), 'oauth-credential-operator')
  const journal = await openIdentifiedJournal({
    file: join(directory, 'journal'),
    durability: 'process',
    private: flags.journal === undefined,
  })
  if (!journal.ok) return cannotBegin(journal.failure.message)
  const identity = flags.identity ?? `${hostname()}_${process.pid}`
  const traces = await openTracing(process.env, identity, observed)
  const opened: Opened = { settings, ...journal.value, crash, identity, traces }
  const stop = await orEnd(logger, ended, () => run(flags, observed, opened))
  logger.info({ signal: await ended }, 'ending: what is under way is finished first')
  await stop()
  await journal.value.journal.close()
  await traces.end()
  leave(logger)

  function cannotBegin(why: string): void {
    logger.error({}, why)
    process.exitCode = 1
  }
}

interface Opened extends IdentifiedJournal {
  readonly settings: ConnectionSettingsSource
  readonly crash: (bug: unknown) => void
  /** This replica. */
  readonly identity: string
  readonly traces: ProcessTracing
}

async function run(flags: ControllerFlags, observed: Telemetry, opened: Opened): Promise<() => Promise<void>> {
  const { clock, logger, metrics } = observed
  const { settings, journal, journalId, crash, identity, traces } = opened
  const { server: apiServer, namespace: namedNamespace } = await readSettings(settings)
  const namespace = flags.namespace ?? namedNamespace ?? defaultNamespace
  const userAgent = `oauth-credential-operator/${build.version}`
  const client = new KubeTransport({ settings, clock, random: systemRandom, logger, metrics, userAgent })
  const source = new KubernetesResourceSource({
    client,
    // A newer CRD may bring fields that this build does not know; they must not stall every credential.
    decode: (raw) => decodeResource(raw, 'ignored'),
    clock,
    random: systemRandom,
    logger,
    metrics,
    watchNamespaces: flags.watchNamespaces,
  })
  const readOwnToken = () => readOwnServiceAccountToken(flags.serviceAccountDirectory)
  const cluster = new ClusterIdentity({ client, clock, logger, namespace, journalId, readOwnToken, ...ownPodNames() })
  const ports = clusterPorts(flags, observed, { client, namespace, identity, cluster, traces })
  const operator = new Operator(
    { clock, logger, metrics, journal, ...ports.parts, mayBegin: () => candidate.mayAct() },
    crash,
  )
  const knows = { synced: () => source.synced() && cluster.known() }
  const candidate = startCandidate({
    client,
    clock,
    logger,
    metrics,
    namespace,
    identity,
    flags,
    operator,
    source: knows,
  })
  const stopServing = await serve(observed, operator, {
    metricsAddress: flags.metricsAddress,
    healthAddress: flags.healthAddress,
    liveness: [watchLiveness(source, clock)],
    readiness: readiness(source, cluster),
  })
  const stopLearning = cluster.learn()
  const stopReading = source.start(operator.resources)
  logger.info({ namespace, identity, version: build.version, ...(apiServer && { apiServer }) }, 'controller')
  return async () => {
    await candidate.stop()
    stopLearning()
    await ports.close()
    await stopReading()
    await client.close()
    await stopServing()
  }
}

interface Place {
  readonly client: KubeTransport
  readonly namespace: string
  readonly identity: string
  readonly cluster: ClusterIdentity
  readonly traces: ProcessTracing
}

/** What the downward API may tell of the own Pod. */
function ownPodNames(): { readonly podName: string | undefined; readonly podUid: string | undefined } {
  return { podName: process.env['POD_NAME'], podUid: process.env['POD_UID'] }
}

/** The operator's ports, as a cluster has them. */
function clusterPorts(
  flags: ControllerFlags,
  { clock, logger, metrics }: Telemetry,
  { client, namespace: operatorNamespace, identity, cluster, traces }: Place,
): {
  readonly parts: Omit<OperatorParts, 'clock' | 'logger' | 'metrics' | 'journal' | 'mayBegin'>
  close(): Promise<void>
} {
  const secrets = new KubernetesSecretReader({ client, clock, operatorNamespace })
  const readOwnToken = () => readOwnServiceAccountToken(flags.serviceAccountDirectory)
  const serviceAccountTokens = new KubernetesServiceAccountTokens({ client, clock, operatorNamespace, readOwnToken })
  const remote = remoteStores({ secrets, serviceAccountTokens, clock, metrics, flags })
  const events = new KubernetesEventRecorder({ client, clock, logger, instance: identity })
  const recordWatch = new RecordWatch({ client, namespace: operatorNamespace, clock, random: systemRandom, logger })
  return {
    parts: {
      events,
      ...auditLog(flags, logger, identity),
      ...present({ tracing: traces.tracing }),
      stores: { ...remote.stores, kubernetes: new KubernetesSecretStore(client) },
      tokenEndpoint: new HttpTokenEndpoint({ secrets, clock, version: build.version, ...flags }),
      sink: new TargetSecrets(client, clock),
      ...targetWatch(flags, { client, clock, logger, metrics }),
      consumers: new KubernetesConsumers({ client, clock, warns: flags.warnOfStaleReaders }),
      restartPolicy: present({ minimumInterval: flags.minimumRestartInterval, perMinute: flags.restartsPerMinute }),
      targetCheckInterval: flags.targetCheckInterval,
      status: new KubernetesStatusWriter(client),
      records: new KubernetesRefreshRecords({
        client,
        namespace: operatorNamespace,
        fingerprint: tokenFingerprint,
        watch: recordWatch,
      }),
      holders: cluster,
      installation: cluster,
      seesAllCredentials: flags.watchNamespaces.length === 0,
      watches: (namespace) => flags.watchNamespaces.length === 0 || flags.watchNamespaces.includes(namespace),
      newSealingKey,
      textCodec: systemTextCodec,
      usesFinalizers: true,
    },
    close: async () => {
      await recordWatch.stop()
      await events.flush()
      await remote.close()
    },
  }
}

function targetWatch(
  { driftRepair, watchNamespaces }: ControllerFlags,
  tools: Omit<KubernetesTargetWatchOptions, 'random' | 'watchNamespaces'>,
): Pick<OperatorParts, 'targetWatch'> {
  if (!driftRepair) return {}
  return { targetWatch: new KubernetesTargetWatch({ ...tools, random: systemRandom, watchNamespaces }) }
}

/** The address of the API server, and the namespace of the Pod or of the kubeconfig's context; what cannot be read yet is told when it is used. */
async function readSettings(settings: ConnectionSettingsSource): Promise<Partial<ConnectionSettings>> {
  const read = await settings.read(false)
  return read.ok ? read.value : {}
}
