import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { KubeClient } from './kube-client.ts'
import { LeaseClient, type LeaseOutcome, namespaceMissing } from './lease-client.ts'
import { claimed, newLease, type Claim, type Lease } from './lease-record.ts'
import { sleep } from './sleep.ts'

export interface LeaderElectionOptions {
  readonly client: KubeClient
  readonly clock: Clock
  /** Uniform in [0, 1); keeps candidates apart. */
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'leading'>
  readonly namespace: string
  readonly name: string
  /** Unique to this process, for example the Pod's name and a random part. */
  readonly identity: string
  /** How long others wait after the last renewal that they saw; default 15 000. */
  readonly leaseDurationMs?: number
  /** How long the leader goes on without having renewed; default 10 000. */
  readonly renewDeadlineMs?: number
  /** Between two attempts; default 2 000. */
  readonly retryPeriodMs?: number
}

export interface LeaderElectionCallbacks {
  /** Once, when this process leads. */
  onStarted(): void
  /** Once, when it does not lead any more although it was not stopped. */
  onLost(): void
}

/** client-go's: candidates wait between one and 2.2 periods. */
const jitterFactor = 1.2
const tooLate = 'the Lease was not renewed in time'

/**
 * Elects one leader through a Lease, with the semantics of client-go.
 *
 * Guarantees: a candidate takes the Lease only after it has seen no change of it for the whole
 * duration that the holder declared, on its own monotonic clock; times in the Lease are never
 * compared. {@link LeaderElection.isLeader} is false from the moment that the last successful
 * renewal, counted from before it was sent, is older than the renew deadline, also when the process
 * was paused and no callback ran; once past, no late answer brings it back. So two processes are
 * leader at the same time only if their clocks' rates differ by more than leaseDuration / renewDeadline.
 *
 * Assumptions: nobody deletes or edits the Lease while it is held; who does ends these guarantees
 * until the holder's next attempt.
 *
 * @see https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #lease: LeaseClient
  readonly #leaseDurationMs: number
  readonly #renewDeadlineMs: number
  readonly #retryPeriodMs: number
  #callbacks: LeaderElectionCallbacks | undefined
  #stopping = new AbortController()
  #ended: Promise<void> = Promise.resolve()
  #leading = false
  #deadlineMs = 0
  #cancelDeadline = (): void => {}
  /** The Lease as last seen, and when its record was first seen so. */
  #seen: Lease | undefined
  #seenAtMs = 0
  #toldReason: string | undefined

  constructor(options: LeaderElectionOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options
    if (leaseDurationMs <= renewDeadlineMs || renewDeadlineMs <= retryPeriodMs * jitterFactor) {
      throw new RangeError('leaseDuration must exceed renewDeadline, and that 1.2 times retryPeriod')
    }
    this.#options = options
    this.#leaseDurationMs = leaseDurationMs
    this.#renewDeadlineMs = renewDeadlineMs
    this.#retryPeriodMs = retryPeriodMs
    this.#lease = new LeaseClient(options.client, options.namespace, options.name, retryPeriodMs * 0.9)
  }

  /**
   * Stands as a candidate until it leads, and renews until it loses or is stopped. After a loss it is
   * over; `run` may be called again. Returns what stops it: from then on this process does not lead.
   */
  run(callbacks: LeaderElectionCallbacks): () => Promise<void> {
    if (this.#callbacks !== undefined) throw new Error('the election is already running')
    this.#callbacks = callbacks
    this.#stopping = new AbortController()
    this.#options.metrics.leading(false)
    this.#ended = this.#campaign(this.#stopping.signal)
    return () => this.#stop()
  }

  /** True while this process may act. Ask right before every guarded step. */
  isLeader(): boolean {
    return this.#leading && this.#options.clock.monotonicMs() < this.#deadlineMs
  }

  /**
   * Says that all guarded work has ended: stops, and empties the Lease's holder, so that the next
   * leader need not wait. False when it was not ours or could not be written.
   */
  async release(): Promise<boolean> {
    await this.#stop()
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const lease = this.#seen
      if (lease === undefined || lease.holder !== this.#options.identity) return false
      const outcome = await this.#lease.replace(claimed(lease, { ...this.#claim(), holder: '', durationSeconds: 1 }))
      if (outcome.kind === 'lease') this.#observe(outcome.lease)
      if (outcome.kind !== 'conflict') return outcome.kind === 'lease'
      const now = await this.#lease.read()
      if (now.kind !== 'lease') return false
      this.#observe(now.lease)
    }
    return false
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    this.#demote()
    await this.#ended
    this.#callbacks = undefined
  }

  async #campaign(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#leading) {
      await this.#attempt(signal)
      const pauseMs = this.#retryPeriodMs * (1 + this.#options.random() * jitterFactor)
      if (!this.#leading) await sleep(this.#options.clock, pauseMs, signal)
    }
    await this.#renew(signal)
  }

  /** An attempt every period, however long the last one took. */
  async #renew(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    let nextMs = clock.monotonicMs() + this.#retryPeriodMs
    while (!signal.aborted) {
      await sleep(clock, nextMs - clock.monotonicMs(), signal)
      nextMs = clock.monotonicMs() + this.#retryPeriodMs
      await this.#attempt(signal)
    }
  }

  /** Tries once to take or to renew the Lease. */
  async #attempt(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    // The process was paused: renewing now would only keep the others waiting.
    if (this.#leading && !this.isLeader()) return this.#lose(tooLate)
    if (await this.#renewed(signal)) return
    const outcome = await this.#lease.read(signal)
    if (signal.aborted) return
    if (outcome.kind === 'missing') return this.#createLease(signal)
    if (outcome.kind === 'lease') return this.#claimAsSeen(outcome.lease, signal)
    this.#tell(outcome)
  }

  /** Renews without reading first. False when the Lease is not as it was last seen, so that it has to be read. */
  async #renewed(signal: AbortSignal): Promise<boolean> {
    const known = this.#seen
    if (!this.#leading || known === undefined) return false
    const outcome = await this.#claimLease(known, signal)
    return outcome === 'lease' || outcome === 'failed'
  }

  async #claimAsSeen(lease: Lease, signal: AbortSignal): Promise<void> {
    this.#observe(lease)
    if (this.#mayClaim(lease)) await this.#claimLease(lease, signal)
    else if (this.#leading) this.#lose('another process holds the Lease')
  }

  #mayClaim({ holder, durationSeconds }: Lease): boolean {
    if (holder === '' || holder === this.#options.identity) return true
    if (this.#leading) return false
    const declaredMs = durationSeconds === undefined ? this.#leaseDurationMs : durationSeconds * 1000
    return this.#options.clock.monotonicMs() >= this.#seenAtMs + declaredMs
  }

  async #claimLease(lease: Lease, signal: AbortSignal): Promise<LeaseOutcome['kind']> {
    const sentAtMs = this.#options.clock.monotonicMs()
    const outcome = await this.#lease.replace(claimed(lease, this.#claim()), signal)
    this.#claimAnswered(outcome, sentAtMs, signal)
    return outcome.kind
  }

  async #createLease(signal: AbortSignal): Promise<void> {
    const { namespace, name, clock } = this.#options
    const sentAtMs = clock.monotonicMs()
    this.#claimAnswered(await this.#lease.create(newLease(namespace, name, this.#claim()), signal), sentAtMs, signal)
  }

  #claimAnswered(outcome: LeaseOutcome, sentAtMs: number, signal: AbortSignal): void {
    if (outcome.kind !== 'lease') return this.#tell(outcome)
    this.#observe(outcome.lease)
    if (!signal.aborted) this.#held(sentAtMs)
  }

  /** The API server has taken our claim. It counts from before it was sent, and only if that is not too long ago. */
  #held(sentAtMs: number): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#leading && nowMs >= this.#deadlineMs) return this.#lose(tooLate)
    if (nowMs >= sentAtMs + this.#renewDeadlineMs) return
    this.#deadlineMs = sentAtMs + this.#renewDeadlineMs
    this.#watchDeadline()
    if (this.#leading) return
    this.#leading = true
    this.#options.metrics.leading(true)
    this.#options.logger.info(this.#fields(), 'This process leads.')
    this.#callbacks?.onStarted()
  }

  #watchDeadline(): void {
    const { clock } = this.#options
    this.#cancelDeadline()
    this.#cancelDeadline = clock.wakeAfter(this.#deadlineMs - clock.monotonicMs(), () => {
      if (!this.#leading) return
      if (clock.monotonicMs() < this.#deadlineMs) this.#watchDeadline()
      else this.#lose(tooLate)
    })
  }

  #lose(why: string): void {
    const callbacks = this.#callbacks
    this.#stopping.abort()
    this.#demote()
    this.#callbacks = undefined
    this.#options.logger.warn({ ...this.#fields(), why }, 'This process does not lead any more.')
    callbacks?.onLost()
  }

  #demote(): void {
    this.#cancelDeadline()
    if (!this.#leading) return
    this.#leading = false
    this.#options.metrics.leading(false)
  }

  #observe(lease: Lease): void {
    const known = this.#seen
    this.#seen = lease
    this.#toldReason = undefined
    if (known?.record === lease.record) return
    this.#seenAtMs = this.#options.clock.monotonicMs()
    const { identity, logger } = this.#options
    if (lease.holder !== '' && lease.holder !== identity && lease.holder !== known?.holder) {
      logger.info({ ...this.#fields(), holder: lease.holder }, 'Another process leads.')
    }
  }

  /** Once per cause, not once per attempt. */
  #tell(outcome: LeaseOutcome): void {
    if (outcome.kind !== 'failed' || outcome.reason === this.#toldReason || this.#stopping.signal.aborted) return
    this.#toldReason = outcome.reason
    const what = this.#leading ? 'renewed' : 'read or taken'
    this.#options.logger.warn(
      { ...this.#fields(), reason: outcome.reason },
      `The Lease cannot be ${what}; it is tried again.${this.#remedyOf(outcome.reason)}`,
    )
  }

  #remedyOf(reason: string): string {
    const { namespace } = this.#options
    if (reason === namespaceMissing) return ` Make the namespace first: kubectl create namespace ${namespace}.`
    if (reason !== 'Forbidden') return ''
    return ` Grant the operator get, create and update on leases in the namespace ${namespace}.`
  }

  #claim(): Claim {
    const { identity, clock } = this.#options
    return { holder: identity, durationSeconds: Math.ceil(this.#leaseDurationMs / 1000), now: clock.now() }
  }

  #fields() {
    const { namespace, name, identity } = this.#options
    return { lease: `${namespace}/${name}`, identity }
  }
}
