import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { DirectorySink } from '../adapters/files/directory-sink.ts'
import { LogEventRecorder } from '../adapters/files/event-log.ts'
import { FileRefreshTokenStore } from '../adapters/files/file-store.ts'
import { ManifestSecretReader, NoServiceAccounts } from '../adapters/files/manifest-secrets.ts'
import { ManifestDirectory } from '../adapters/files/manifest-source.ts'
import { type IdentifiedJournal, openIdentifiedJournal } from '../adapters/files/journal-id.ts'
import { LoneHolder } from '../adapters/files/lone-holder.ts'
import { FileRefreshRecords } from '../adapters/files/refresh-records.ts'
import { StatusFile } from '../adapters/files/status-file.ts'
import { newSealingKey } from '../adapters/system/sealing-key.ts'
import { systemTextCodec } from '../adapters/system/text-codec.ts'
import { tokenFingerprint } from '../adapters/system/token-fingerprint.ts'
import { HttpTokenEndpoint } from '../adapters/oauth/http-token-endpoint.ts'
import { decodeResource, encodeStatus, unknownKindProblem } from '../api/decode.ts'
import { Operator } from '../app/operator.ts'
import type { StandaloneFlags } from '../cli/standalone-command.ts'
import { keyText } from '../domain/credential.ts'
import { present } from '../domain/present.ts'
import type { Logger } from '../ports/logger.ts'
import type { ResourceHandler } from '../ports/resource-source.ts'
import { cannotUse, orEnd } from './cannot-begin.ts'
import { crashOnBug, endSignal, leave } from './process-end.ts'
import { type StandaloneFiles, standaloneFiles } from './standalone-files.ts'
import { remoteStores } from './stores.ts'
import { auditLog, serve, type Telemetry, telemetry } from './telemetry.ts'
import { openTracing, type ProcessTracing } from './tracing.ts'
import { build } from './version.ts'

/**
 * Does the operator's job for a directory of manifests, without a cluster, until SIGTERM or SIGINT.
 * Exit codes: 0 after a clean end, 1 when it cannot begin, 70 at a bug.
 */
export async function standalone(flags: StandaloneFlags): Promise<void> {
  const observed = telemetry(flags, true)
  const crash = crashOnBug(observed.logger)
  process.on('unhandledRejection', crash)
  process.on('uncaughtException', crash)
  const ended = endSignal()
  const files = standaloneFiles(flags.output, flags.state)
  await orEnd(observed.logger, ended, () => makeDirectory(files.state))
  const journal = await openIdentifiedJournal({ file: files.journal, durability: 'disk' })
  if (!journal.ok) {
    observed.logger.error({ code: journal.failure.code }, journal.failure.message)
    process.exitCode = 1
    return
  }
  const status = new StatusFile({ path: files.status, encode: encodeStatus })
  await status.load()
  const replica = `${hostname()}_${process.pid}`
  const traces = await openTracing(process.env, replica, observed)
  const opened: Opened = { status, files, ...journal.value, crash, replica, traces }
  const stop = await orEnd(observed.logger, ended, () => run(flags, observed, opened))
  observed.logger.info({ signal: await ended }, 'ending: what is under way is finished first')
  await stop()
  await journal.value.journal.close()
  await traces.end()
  leave(observed.logger)
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw cannotUse(`Making the state directory ${path}`, error)
  }
}

interface Opened extends IdentifiedJournal {
  readonly status: StatusFile
  readonly files: StandaloneFiles
  readonly crash: (bug: unknown) => void
  /** This process. */
  readonly replica: string
  readonly traces: ProcessTracing
}

async function run(flags: StandaloneFlags, observed: Telemetry, opened: Opened): Promise<() => Promise<void>> {
  const { clock, logger, metrics } = observed
  const { status, files, journal, journalId, crash, replica, traces } = opened
  const manifests = new ManifestDirectory({
    directory: resolve(flags.manifests),
    decode: (raw) => decodeResource(raw),
    unknownKind: unknownKindProblem,
    statusOf: (namespace, name) => status.status(namespace, name)?.status,
    clock,
    logger,
  })
  const secrets = new ManifestSecretReader(() => manifests.secrets())
  const remote = remoteStores({ secrets, serviceAccountTokens: new NoServiceAccounts(), clock, metrics, flags })
  const file = new FileRefreshTokenStore({ baseDirectory: resolve(flags.manifests), clock, metrics })
  const operator = new Operator(
    {
      clock,
      logger,
      metrics,
      journal,
      status,
      stores: { ...remote.stores, file },
      tokenEndpoint: new HttpTokenEndpoint({ secrets, clock, version: build.version, ...flags }),
      sink: new DirectorySink({ directory: resolve(flags.output), clock }),
      events: new LogEventRecorder(logger),
      ...auditLog(flags, logger, replica),
      ...present({ tracing: traces.tracing }),
      records: new FileRefreshRecords({ directory: files.records, fingerprint: tokenFingerprint }),
      holders: new LoneHolder(journalId),
      installation: { id: flags.installation ?? journalId },
      seesAllCredentials: true,
      watches: () => true,
      newSealingKey,
      textCodec: systemTextCodec,
      usesFinalizers: false,
      mayBegin: () => true,
    },
    crash,
  )
  const stopServing = await serve(observed, operator, {
    ...(flags.metricsAddress !== undefined && {
      metricsAddress: flags.metricsAddress,
      healthAddress: flags.metricsAddress,
    }),
    liveness: [],
    readiness: [
      { name: 'manifests', problem: () => (manifests.synced() ? undefined : 'the manifests have not been read yet') },
    ],
  })
  metrics.leading(true)
  const end = act({ manifests, operator, status }, () => tellEmpty(logger, flags))
  logger.info({ manifests: flags.manifests, output: flags.output, version: build.version }, 'standalone')
  return async () => {
    await end()
    await remote.close()
    await stopServing()
  }
}

function tellEmpty(logger: Logger, { manifests }: StandaloneFlags): void {
  logger.warn({}, `There is no OAuthCredential in ${manifests} yet; it is looked for.`)
}

interface Acting {
  readonly manifests: ManifestDirectory
  readonly operator: Operator
  readonly status: StatusFile
}

/** Acts for what is in the directory. Returns what ends that. */
function act({ manifests, operator, status }: Acting, whenEmpty: () => void): () => Promise<void> {
  let isEnding = false
  const begin = (): void => (isEnding ? undefined : operator.begin())
  const stopReading = manifests.start(whenRead(operator, status, { begin, whenEmpty }))
  return async () => {
    isEnding = true
    const read = stopReading()
    // Nothing new is begun from now on, although a look at the directory may still be under way: it can hang.
    await operator.end({ flush: true })
    await read
  }
}

/** Feeds the index, and begins to act once it has seen every kind: a provider that was not read yet is not a missing one. */
function whenRead(
  { resources }: Operator,
  status: StatusFile,
  { begin, whenEmpty }: { readonly begin: () => void; readonly whenEmpty: () => void },
): ResourceHandler {
  return {
    replaced: (kind, objects) => {
      resources.replaced(kind, objects)
      if (kind !== 'OAuthCredential') return
      void status.keepOnly(new Set([...resources.credentials()].map(({ credential }) => keyText(credential.key))))
      if (objects.length === 0) whenEmpty()
      begin()
    },
    upserted: (kind, resource) => resources.upserted(kind, resource),
    deleted: (kind, namespace, name) => {
      resources.deleted(kind, namespace, name)
      if (kind === 'OAuthCredential' && namespace !== undefined) void status.forget(namespace, name)
    },
  }
}
