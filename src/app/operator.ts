import type { CredentialGaugeInput, WorkQueueGauges } from '../ports/credential-gauges.ts'
import type { TokenHostGauge } from '../ports/token-host-gauges.ts'
import type { TargetWatch } from '../ports/target-watch.ts'
import type { EngineDeps } from './deps.ts'
import { Engine } from './engine.ts'
import { credentialGauges } from './gauges.ts'
import { LeftRecords } from './left-records.ts'
import { recoverJournal } from './recover-journal.ts'
import { RecoveryLog } from './recovery-log.ts'
import { IntentWatches } from './intent-watches.ts'
import { TokenOwners } from './token-owners.ts'
import { ResourceIndex } from './resource-index.ts'
import { TargetSights } from './target-sights.ts'
import { UnconfirmedRecords } from './unconfirmed-records.ts'

/** Everything that the operator works with, but what it builds itself. */
export interface OperatorParts extends Omit<
  EngineDeps,
  'resources' | 'tokenOwners' | 'intentWatches' | 'leftRecords' | 'unconfirmedRecords' | 'mayTell'
> {
  /** Absent: what somebody does to a target is found when its look is due. */
  readonly targetWatch?: TargetWatch
}

/**
 * The operator: an index that is always fed, and an engine for as long as this process acts.
 *
 * Between {@link Operator.end} and the next {@link Operator.begin} nothing is refreshed, and nothing
 * is remembered beyond what the statuses say.
 */
export class Operator {
  readonly resources: ResourceIndex
  readonly #deps: EngineDeps
  readonly #onBug: (bug: unknown) => void
  readonly #recoveryLog: RecoveryLog
  #engine: Engine | undefined
  #recovering: Promise<void> = Promise.resolve()
  #ending: Promise<void> = Promise.resolve()
  readonly #targetWatch: TargetWatch | undefined
  #stopWatching: (() => Promise<void>) | undefined

  constructor({ targetWatch, ...parts }: OperatorParts, onBug: (bug: unknown) => void) {
    const leftRecords = new LeftRecords()
    this.resources = new ResourceIndex(
      (key) => this.#engine?.changed(key),
      (entry) => leftRecords.left(entry),
    )
    this.#deps = {
      ...parts,
      resources: this.resources,
      tokenOwners: new TokenOwners(),
      intentWatches: new IntentWatches(),
      unconfirmedRecords: new UnconfirmedRecords(),
      leftRecords,
      mayTell: parts.mayBegin,
    }
    this.#onBug = onBug
    this.#targetWatch = targetWatch
    this.#recoveryLog = new RecoveryLog(parts.logger)
  }

  /** Begins to act on every credential of the index, which has to be complete. */
  begin(): void {
    if (this.#engine !== undefined) throw new Error('the operator acts already')
    this.#recoveryLog.keepOnly(new Set())
    this.#deps.leftRecords.begin()
    this.#deps.intentWatches.begin()
    const engine = new Engine(this.#deps, this.#onBug)
    this.#engine = engine
    // Begun by each term, and not before it, so that what happened while nobody watched is seen in the first list.
    this.#stopWatching = this.#targetWatch?.start(new TargetSights(this.resources, (key) => engine.targetTouched(key)))
    // What is being taken back must not be a new intent of this very process.
    void this.#recovering.then(() => {
      const uids = new Set([...this.resources.credentials()].map(({ credential }) => credential.uid))
      this.#deps.tokenOwners.keepOnly(uids)
      this.#deps.unconfirmedRecords.keepOnly(uids)
      // The lead may have been lost meanwhile.
      if (this.#engine === engine) engine.start()
    })
  }

  /**
   * Begins nothing new, and resolves when everything under way has ended and no token is here alone. `flush`: what waits for its
   * time to go into a store goes there now, because this process does not come back. Ended again meanwhile, it ends once.
   */
  end(how: { readonly flush: boolean }): Promise<void> {
    const watching = this.#stopWatching?.()
    this.#stopWatching = undefined
    const stopped = this.#engine?.stop()
    this.#ending = this.#ending.then(async () => {
      await stopped
      await this.#bringHome(how)
      await watching
    })
    return this.#ending
  }

  async #bringHome({ flush }: { readonly flush: boolean }): Promise<void> {
    await this.#engine?.rescue()
    if (flush) await this.#engine?.flush()
    this.#deps.leftRecords.end()
    this.#engine = undefined
  }

  /** True while this process acts. */
  acts(): boolean {
    return this.#engine !== undefined
  }

  /**
   * What the local journal holds of refreshes that no engine of this process will settle soon; see {@link recoverJournal}.
   * `goesOn`: asked before each entry; once it says no, the rest is left.
   */
  recoverJournal(goesOn: () => boolean = () => true): Promise<boolean> {
    const mayBegin = (): boolean => !this.acts() && goesOn()
    const recovery = recoverJournal({ ...this.#deps, mayBegin }, this.#recoveryLog)
    this.#recovering = recovery.then(
      () => undefined,
      (bug: unknown) => this.#onBug(bug),
    )
    return recovery
  }

  /** Every credential as it is now. */
  gauges(): Iterable<CredentialGaugeInput> {
    return credentialGauges(this.resources, this.#engine)
  }

  /** Every token host as it is now. */
  tokenHosts(): Iterable<TokenHostGauge> {
    return this.#engine?.tokenHosts.gauges() ?? []
  }

  readonly queueGauges: WorkQueueGauges = {
    depth: () => this.#engine?.queue.depth() ?? 0,
    longestRunningSeconds: () => this.#engine?.queue.longestRunningSeconds() ?? 0,
    unfinishedWorkSeconds: () => this.#engine?.queue.unfinishedSeconds() ?? 0,
  }
}
