import type { RestartPolicy } from '../domain/consumers.ts'
import type { DurationSeconds } from '../domain/time.ts'
import type { StoreBackendType } from '../domain/token-store.ts'
import type { AccessTokenSink } from '../ports/access-token-sink.ts'
import type { AuditLog } from '../ports/audit-log.ts'
import type { ConsumerNotifier } from '../ports/consumers.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventRecorder } from '../ports/event-recorder.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { RefreshJournal } from '../ports/refresh-journal.ts'
import type { RecordHolders, RefreshRecords } from '../ports/refresh-records.ts'
import type { RefreshTokenStore } from '../ports/refresh-token-store.ts'
import type { StatusWriter } from '../ports/status-writer.ts'
import type { TokenEndpoint } from '../ports/token-endpoint.ts'
import type { Tracing, TraceSpan } from '../ports/tracing.ts'
import type { IntentWatches } from './intent-watches.ts'
import type { LeftRecords } from './left-records.ts'
import type { Limiter } from './limiter.ts'
import type { ResourceIndex } from './resource-index.ts'
import type { RestartTurns } from './restart-turns.ts'
import type { StoreLooks } from './store-looks.ts'
import type { TargetLooks } from './target-looks.ts'
import type { TokenHosts } from './token-hosts.ts'
import type { TokenOwners } from './token-owners.ts'
import type { UnconfirmedRecords } from './unconfirmed-records.ts'
import type { Sensitive } from '../domain/sensitive.ts'

import type { TextCodec } from '../domain/text-codec.ts'
/** The cluster, or the state directory: no two have the same id. */
export interface Installation {
  readonly id: string
}

/** What an engine works with. */
export interface EngineDeps {
  readonly resources: ResourceIndex
  readonly clock: Clock
  readonly stores: Readonly<Partial<Record<StoreBackendType, RefreshTokenStore>>>
  readonly tokenEndpoint: TokenEndpoint
  readonly journal: RefreshJournal
  readonly records: RefreshRecords
  readonly holders: RecordHolders
  readonly sink: AccessTokenSink
  /** Absent without a cluster. */
  readonly consumers?: ConsumerNotifier
  /** How often a target is looked at; default: every ten minutes. */
  readonly targetCheckInterval?: DurationSeconds
  /** Absent: credentials alone say how often workloads are restarted. */
  readonly restartPolicy?: RestartPolicy
  readonly status: StatusWriter
  readonly events: EventRecorder
  /** Absent: nobody wants one. */
  readonly audit?: AuditLog
  readonly metrics: Metrics
  /** Absent: nobody wants traces. */
  readonly tracing?: Tracing
  readonly logger: Logger
  readonly tokenOwners: TokenOwners
  readonly intentWatches: IntentWatches
  readonly leftRecords: LeftRecords
  readonly unconfirmedRecords: UnconfirmedRecords
  readonly installation: Installation
  /** False when only some namespaces are watched: a credential that is not known may exist all the same. */
  readonly seesAllCredentials: boolean
  /** True for a namespace whose credentials are seen. */
  readonly watches: (namespace: string) => boolean
  /** 32 random bytes, base64. */
  readonly newSealingKey: () => Sensitive
  readonly textCodec: TextCodec
  /** True when objects vanish only after their finalizers are off: with a cluster. */
  readonly usesFinalizers: boolean
  /** False once this process may no longer begin to spend refresh tokens. */
  readonly mayBegin: () => boolean
  /** False once another process may act: what this one still ends is for that one to tell. */
  readonly mayTell: () => boolean
}

/** Everything a reconcile works with. The limits begin and end with the engine. */
export interface Deps extends EngineDeps {
  /** Of calls to stores. */
  readonly limiter: Limiter
  /** At documents that a human is to replace. */
  readonly storeLooks: StoreLooks
  /** At targets that something happened to. */
  readonly targetLooks: TargetLooks
  /** Of restarts of workloads. */
  readonly restartTurns: RestartTurns
  /** Of requests to token endpoints. */
  readonly tokenHosts: TokenHosts
  /** Has another credential, by its key as text, look at what its manifest does not tell. */
  readonly wake: (key: string) => void
  /** What is under way, where it is traced. */
  readonly span?: TraceSpan
}
