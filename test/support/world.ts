import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import { decodeState, encodeStatus } from '../../src/api/decode.ts'
import type { EngineDeps } from '../../src/app/deps.ts'
import { Engine } from '../../src/app/engine.ts'
import { ResourceIndex } from '../../src/app/resource-index.ts'
import { LeftRecords } from '../../src/app/left-records.ts'
import { IntentWatches } from '../../src/app/intent-watches.ts'
import { TokenOwners } from '../../src/app/token-owners.ts'
import { UnconfirmedRecords } from '../../src/app/unconfirmed-records.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { conditionOf } from '../../src/domain/conditions.ts'
import { type Credential, keyText } from '../../src/domain/credential.ts'
import type { Condition, ConditionType, CredentialState } from '../../src/domain/credential-state.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { StoreBackendType, TokenStore } from '../../src/domain/token-store.ts'
import type { ConsumerNotifier } from '../../src/ports/consumers.ts'
import { AuditEntries } from './audit-entries.ts'
import { aCredential, aProvider, aStore } from './builders.ts'
import { memoryMetrics } from './memory-metrics.ts'
import { EventList, LogLines, MemoryJournal, MemorySink, MemoryStore, MemoryTokenEndpoint } from './memory-ports.ts'
import { MemoryStatus } from './memory-status.ts'
import { canary } from './canary.ts'
import { MemoryHolders, MemoryRefreshRecords } from './memory-refresh-records.ts'
import { MemoryTracing } from './memory-tracing.ts'
import { SimulatedClock } from './simulated-clock.ts'

/** The whole operator over ports in memory and a simulated clock. What is outside the process survives {@link World.restart}. */
export class World {
  readonly clock = new SimulatedClock()
  readonly store = new MemoryStore()
  readonly endpoint = new MemoryTokenEndpoint()
  readonly journal = new MemoryJournal()
  readonly records = new MemoryRefreshRecords()
  readonly holders = new MemoryHolders()
  readonly sink = new MemorySink(this.clock)
  readonly status = new MemoryStatus()
  readonly events = new EventList()
  readonly audit = new AuditEntries()
  readonly tracing = new MemoryTracing()
  readonly log = new LogLines()
  readonly bugs: unknown[] = []
  readonly measured = memoryMetrics(() => this.bugs.push('of one credential'))
  leading = true
  usesFinalizers = true
  /** What a platform decides; a process reads it when it begins. */
  platform: Pick<EngineDeps, 'restartPolicy' | 'targetCheckInterval'> = {}
  /** The types of stores that {@link World.store} stands for. */
  readonly storeTypes: readonly StoreBackendType[] = ['kubernetes', 'awsSecretsManager']
  engine: Engine
  resources: ResourceIndex
  #provider: Partial<Provider> = {}

  readonly #consumers: ConsumerNotifier | undefined

  /** Without `consumers` it is as without a cluster: nobody who reads a target can be told of anything. */
  constructor(consumers?: ConsumerNotifier) {
    this.#consumers = consumers
    const { engine, resources } = this.#boot()
    this.engine = engine
    this.resources = resources
  }

  /** A world with one credential, its provider, its store and a seeded refresh token; running. */
  static async withCredential(
    changes: Parameters<typeof aCredential>[0] = {},
    consumers?: ConsumerNotifier,
  ): Promise<World> {
    const world = new World(consumers)
    world.store.put('teams/ci/claude', world.endpoint.login())
    world.applyProvider()
    world.applyStore()
    world.apply(aCredential(changes))
    await world.start()
    return world
  }

  async start(): Promise<void> {
    this.engine.start()
    await this.clock.pass(0.01)
  }

  /** Ends the process, in the middle of whatever it does, and starts another one that knows only what was written down. */
  async restart(): Promise<void> {
    const before = [...this.resources.credentials()]
    const { engine, resources } = this.#boot()
    const old = this.engine
    this.engine = engine
    this.resources = resources
    void old.stop()
    this.applyProvider(this.#provider)
    this.applyStore()
    for (const { type, credential } of before) {
      if (type !== 'credential') continue
      const state = this.status.states.get(keyText(credential.key)) ?? credential.state
      this.apply({ ...credential, state: throughStatus(state) })
    }
    await this.start()
  }

  apply(credential: Credential): void {
    this.resources.upserted('OAuthCredential', { type: 'credential', credential })
  }

  applyProvider(changes: Partial<Provider> = {}): void {
    this.#provider = changes
    this.resources.upserted('OAuthProvider', { type: 'provider', provider: aProvider(changes) })
  }

  applyStore(changes: Partial<TokenStore> = {}): void {
    this.resources.upserted('TokenStore', { type: 'store', store: aStore(changes) })
  }

  state(name = 'ci/claude'): CredentialState {
    const state = this.status.states.get(name)
    if (state === undefined) throw new Error(`no status was written for ${name}`)
    return state
  }

  condition(type: ConditionType, name = 'ci/claude'): Condition | undefined {
    return conditionOf(this.state(name).conditions, type)
  }

  /** The access token that a pod reads now. */
  podToken(target = 'claude-token'): string | undefined {
    return this.sink.published.get(target)?.get('access_token')
  }

  newestAccessToken(): string | undefined {
    return this.endpoint.issuedAccessTokens.at(-1)
  }

  #boot(): { engine: Engine; resources: ResourceIndex } {
    const resources = new ResourceIndex((key) => this.engine.changed(key))
    const deps: EngineDeps = {
      resources,
      clock: this.clock,
      stores: Object.fromEntries(this.storeTypes.map((type) => [type, this.store])),
      tokenEndpoint: this.endpoint,
      journal: this.journal,
      records: this.records,
      holders: this.holders,
      tokenOwners: new TokenOwners(),
      intentWatches: new IntentWatches(),
      unconfirmedRecords: new UnconfirmedRecords(),
      leftRecords: new LeftRecords(),
      installation: { id: 'cluster-1' },
      seesAllCredentials: true,
      watches: () => true,
      newSealingKey: () => new Sensitive(canary('secret')),
      textCodec: systemTextCodec,
      sink: this.sink,
      ...(this.#consumers && { consumers: this.#consumers }),
      ...this.platform,
      status: this.status,
      events: this.events,
      audit: this.audit,
      tracing: this.tracing,
      metrics: this.measured.metrics,
      logger: this.log,
      usesFinalizers: this.usesFinalizers,
      mayBegin: () => this.leading,
      mayTell: () => this.leading,
    }
    return { resources, engine: new Engine(deps, (bug) => this.bugs.push(bug)) }
  }
}

/** What survives a status. */
function throughStatus(state: CredentialState): CredentialState {
  return decodeState(JSON.parse(JSON.stringify(encodeStatus({ state }))))
}
