import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import { encodeStatus, decodeState } from '../../src/api/decode.ts'
import { Operator, type OperatorParts } from '../../src/app/operator.ts'
import { conditionOf } from '../../src/domain/conditions.ts'
import { type Credential, keyText } from '../../src/domain/credential.ts'
import type { Condition, ConditionType, CredentialState } from '../../src/domain/credential-state.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { RefreshRecord } from '../../src/domain/refresh-record.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { TokenStore } from '../../src/domain/token-store.ts'
import type { ConsumerNotifier } from '../../src/ports/consumers.ts'
import { AuditEntries } from './audit-entries.ts'
import { aCredential, aProvider, aStore, type CredentialChanges } from './builders.ts'
import { canary } from './canary.ts'
import { memoryMetrics } from './memory-metrics.ts'
import { EventList, LogLines, MemoryJournal, MemorySink, MemoryStore, MemoryTokenEndpoint } from './memory-ports.ts'
import { MemoryStatus } from './memory-status.ts'
import { MemoryHolders, MemoryRefreshRecords } from './memory-refresh-records.ts'
import { Life, mortal } from './mortal.ts'
import { SimulatedClock } from './simulated-clock.ts'

/** Where the documents of {@link aCredential} are. */
export const documentKey = 'teams/ci/claude'

/** What is outside of every process: one cluster, its store and its authorization server. */
export class Replicas {
  readonly clock = new SimulatedClock()
  readonly store: MemoryStore
  readonly endpoint: MemoryTokenEndpoint
  readonly records = new MemoryRefreshRecords()
  readonly sink = new MemorySink(this.clock)
  readonly status = new MemoryStatus()
  readonly events = new EventList()
  readonly audit = new AuditEntries()
  readonly bugs: unknown[] = []
  readonly replicas: Replica[] = []
  /** As with `--watch-namespaces`; absent: all are watched. */
  watchedNamespaces: readonly string[] | undefined
  /** Who reads the targets; absent: nobody is to be told of anything. */
  consumers: ConsumerNotifier | undefined
  readonly #gone = new Set<string>()
  readonly #credentials = new Map<string, Credential>()
  #provider: Provider = aProvider()
  #store: TokenStore = aStore()

  constructor(endpoint = new MemoryTokenEndpoint(), store = new MemoryStore()) {
    this.store = store
    this.endpoint = endpoint
    this.endpoint.now = () => this.clock.now()
  }

  /** A cluster with one credential, its provider, its store and a seeded refresh token. Nobody leads yet. */
  static withCredential(changes: CredentialChanges = {}, endpoint?: MemoryTokenEndpoint): Replicas {
    const world = new Replicas(endpoint)
    world.store.put(documentKey, world.endpoint.login())
    world.apply(aCredential(changes))
    return world
  }

  /** Another process, with a journal of its own. */
  replica(installation = 'cluster-1'): Replica {
    const replica = new Replica(this, `journal-${this.replicas.length + 1}`, installation)
    this.replicas.push(replica)
    this.#share()
    return replica
  }

  /** Another process, which leads. */
  async leader(installation?: string): Promise<Replica> {
    const replica = this.replica(installation)
    await replica.lead()
    return replica
  }

  /** Everybody can know that this holder's Pod is gone. */
  gone(journalId: string): void {
    this.#gone.add(journalId)
    this.#share()
  }

  #share(): void {
    for (const { holders } of this.replicas) for (const journalId of this.#gone) holders.gone.add(journalId)
  }

  apply(credential: Credential): void {
    this.#credentials.set(keyText(credential.key), credential)
    for (const replica of this.replicas) replica.sees({ ...credential, state: this.stateOf(credential) })
  }

  /** Takes the object away, as a deletion without a finalizer does. */
  delete({ key }: Pick<Credential, 'key'>): void {
    this.#credentials.delete(keyText(key))
    this.status.states.delete(keyText(key))
    for (const { operator } of this.replicas) operator.resources.deleted('OAuthCredential', key.namespace, key.name)
  }

  applyProvider(changes: Partial<Provider>): void {
    this.#provider = aProvider(changes)
    for (const replica of this.replicas) replica.seesAll()
  }

  applyStore(changes: Partial<TokenStore>): void {
    this.#store = aStore(changes)
    for (const replica of this.replicas) replica.seesAll()
  }

  get manifests(): { provider: Provider; store: TokenStore; credentials: readonly Credential[] } {
    const credentials = [...this.#credentials.values()].map((one) => ({ ...one, state: this.stateOf(one) }))
    return { provider: this.#provider, store: this.#store, credentials }
  }

  /** What survives a status. */
  stateOf(credential: Credential): CredentialState {
    const state = this.status.states.get(keyText(credential.key)) ?? credential.state
    return decodeState(JSON.parse(JSON.stringify(encodeStatus({ state }))))
  }

  state(name = 'ci/claude'): CredentialState {
    const state = this.status.states.get(name)
    if (state === undefined) throw new Error(`no status was written for ${name}`)
    return state
  }

  condition(type: ConditionType, name = 'ci/claude'): Condition | undefined {
    return conditionOf(this.state(name).conditions, type)
  }

  /** The code of what failed last. */
  problem(name = 'ci/claude'): string | undefined {
    return this.state(name).lastFailure?.code
  }

  record(uid = aCredential().uid): RefreshRecord | undefined {
    return this.records.record(uid)
  }

  stored(key = documentKey): string {
    return this.store.tokens.get(key) ?? ''
  }

  /** True when the refresh token in the store is one that the server takes. */
  storeIsLive(key = documentKey): boolean {
    return this.endpoint.isLive(this.stored(key))
  }

  /** The access token that a pod reads now. */
  podToken(target = 'claude-token'): string | undefined {
    return this.sink.published.get(target)?.get('access_token')
  }

  newestAccessToken(): string | undefined {
    return this.endpoint.issuedAccessTokens.at(-1)
  }
}

/** One process of the operator: what it has in memory, and its journal. */
export class Replica {
  readonly #world: Replicas
  readonly #installation: string
  readonly journal = new MemoryJournal()
  readonly holders: MemoryHolders
  readonly records: MemoryRefreshRecords
  readonly log = new LogLines()
  readonly measured = memoryMetrics(() => this.#world.bugs.push('of one credential'))
  /** What the Lease says to this process. */
  leading = true
  operator: Operator
  #life = new Life()

  constructor(world: Replicas, journalId: string, installation: string) {
    this.#world = world
    this.#installation = installation
    this.holders = new MemoryHolders(journalId)
    this.records = world.records.ofAnotherReplica()
    this.operator = this.#boot()
  }

  sees(credential: Credential): void {
    this.operator.resources.upserted('OAuthCredential', { type: 'credential', credential })
  }

  /** What a watch delivers when it begins. */
  seesAll(): void {
    const { provider, store, credentials } = this.#world.manifests
    const { resources } = this.operator
    resources.upserted('OAuthProvider', { type: 'provider', provider })
    resources.upserted('TokenStore', { type: 'store', store })
    for (const credential of credentials) this.sees(credential)
  }

  /** Becomes the leader: what an earlier process left in the journal first, as every process does at its start. */
  async lead(): Promise<void> {
    this.leading = true
    this.seesAll()
    await this.operator.recoverJournal()
    this.operator.begin()
    await this.#world.clock.pass(0.01)
  }

  /** Stops leading and stays, as after a lost Lease. */
  async stepDown(): Promise<void> {
    this.leading = false
    await this.operator.end({ flush: false })
  }

  /** Ends as SIGTERM does. */
  async shutDown(): Promise<void> {
    this.leading = false
    await this.operator.end({ flush: true })
    this.#life.end()
  }

  /** The next time this call is made, it is made, and the process dies of it: nothing follows any more. */
  dieOf(call: string): void {
    const life = this.#life
    life.after(call, () => life.end())
  }

  /** Something else happens once, between the next such call and its result. */
  after(call: string, happens: () => void): void {
    this.#life.after(call, happens)
  }

  get isDead(): boolean {
    return this.#life.isOver
  }

  /** The process dies in the middle of whatever it does. Its Pod stays, and so does its journal. */
  die(): void {
    this.#life.end()
  }

  /** The process and its Pod are gone, and everybody can know it. */
  loseItsPod(): void {
    this.die()
    this.journal.kept.clear()
    this.#world.gone(this.holders.self.journalId)
  }

  /** Starts the container again: the journal is there, and nobody has said yet that this process leads. */
  async restart(): Promise<void> {
    this.die()
    this.#life = new Life()
    this.leading = false
    this.operator = this.#boot()
    this.seesAll()
    await this.operator.recoverJournal()
  }

  #boot(): Operator {
    const world = this.#world
    const life = this.#life
    const store = mortal(world.store, 'store', life)
    const parts: OperatorParts = {
      clock: world.clock,
      stores: { kubernetes: store, awsSecretsManager: store },
      tokenEndpoint: mortal(world.endpoint, 'endpoint', life),
      journal: mortal(this.journal, 'journal', life),
      records: mortal(this.records, 'records', life),
      holders: mortal(this.holders, 'holders', life),
      installation: { id: this.#installation },
      seesAllCredentials: world.watchedNamespaces === undefined,
      watches: (namespace) => world.watchedNamespaces?.includes(namespace) ?? true,
      newSealingKey: () => new Sensitive(canary('secret')),
      textCodec: systemTextCodec,
      sink: mortal(world.sink, 'sink', life),
      ...(world.consumers && { consumers: mortal(world.consumers, 'consumers', life) }),
      status: mortal(world.status, 'status', life),
      events: world.events,
      audit: world.audit,
      metrics: this.measured.metrics,
      logger: this.log,
      usesFinalizers: true,
      mayBegin: () => this.leading,
    }
    return new Operator(parts, (bug) => world.bugs.push(bug))
  }
}
