import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import { Operator, type OperatorParts } from '../../src/app/operator.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { secretMark } from './token-ledger.ts'
import type { Pod } from './pod.ts'
import { Process, ProcessClock } from './process.ts'
import type { Models } from './models.ts'
import { silentMetrics, Telemetry } from './telemetry.ts'
import type { Manifests } from './manifests.ts'

/** Where one replica of the Deployment is now. */
interface Replica {
  readonly name: string
  pod: Pod
  process: Process
  restarts: number
}

/** How long a lost leader goes unnoticed, in milliseconds: the Lease has to run out. */
const leaseMs = { least: 2000, most: 17_000 }
const renewDeadlineMs = 10_000
const settleMs = 10
const clearUpAgainMs = 5000

/**
 * The replicas, and who of them believes to lead. A Lease is no lock: a leader that was stopped
 * still believes when it goes on, and in some worlds all of them always believe.
 */
export class Fleet {
  readonly replicas: Replica[] = []
  readonly #models: Models
  readonly #manifests: Manifests
  #everybodyLeads: boolean
  readonly #bug: (bug: unknown) => void
  #electing = false
  #keys = 0

  constructor(
    models: Models,
    manifests: Manifests,
    options: { readonly everybodyLeads: boolean; readonly bug: (bug: unknown) => void },
  ) {
    this.#models = models
    this.#manifests = manifests
    this.#everybodyLeads = options.everybodyLeads
    this.#bug = options.bug
  }

  start(count: number): void {
    for (let index = 0; index < count; index += 1) {
      const name = `replica-${index}`
      const pod = this.#models.pods.create(name)
      const process = this.#boot(name, pod)
      this.replicas.push({ name, pod, process, restarts: 0 })
    }
    this.#electSoon()
  }

  processes(): readonly Process[] {
    return this.replicas.map(({ process }) => process)
  }

  leaders(): readonly Process[] {
    return this.processes().filter(({ alive, leads }) => alive && leads)
  }

  /** Ends a process in the middle of whatever it does. Another one starts in the same Pod. */
  crash(process: Process): void {
    const replica = this.replicas.find((candidate) => candidate.process === process)
    if (replica === undefined || !process.alive) return
    this.#models.violations.note(() => `${process.name} crashes`)
    process.end(this.#models.ledger, undefined)
    this.#electSoon()
    this.#models.scheduler.after(this.#models.random.between(500, 15_000), () => this.#restart(replica))
  }

  /** The node is gone: the process, and what its Pod had on disk. */
  lose(process: Process): void {
    const replica = this.replicas.find((candidate) => candidate.process === process)
    if (replica === undefined || !process.alive) return
    const { random, scheduler, pods, ledger, violations } = this.#models
    violations.note(() => `${process.name} is lost with its node`)
    const { pod } = replica
    process.end(ledger, 'W3')
    pods.destroy(pod, 'W3')
    this.#electSoon()
    scheduler.after(random.between(5000, 300_000), () => {
      pod.known = false
    })
    scheduler.after(random.between(2000, 60_000), () => {
      replica.pod = pods.create(replica.name)
      this.#restart(replica)
    })
  }

  /** The Pod goes, whatever runs in it by now. */
  #remove(pod: Pod): void {
    const replica = this.replicas.find((candidate) => candidate.pod === pod)
    if (replica === undefined) return
    if (replica.process.alive) return this.lose(replica.process)
    this.#models.pods.destroy(pod, 'W3')
    replica.pod = this.#models.pods.create(replica.name)
  }

  /** Stops a process for a while. Whoever waits for its Lease takes over. */
  pause(process: Process, durationMs: number): void {
    if (!process.alive || process.paused) return
    const { scheduler, violations } = this.#models
    violations.note(() => `${process.name} is stopped for ${Math.round(durationMs / 1000)} s`)
    process.pause()
    if (durationMs > 15_000 && process.leads) this.#electSoon()
    scheduler.after(durationMs, () => this.resume(process))
  }

  /** Somebody force-deletes the Pod of a process that is stopped, and others take over; later it goes on for a moment. */
  evictWhileStopped(process: Process): void {
    const { random, scheduler, violations } = this.#models
    violations.note(() => `the Pod of ${process.name} is force-deleted`)
    const stoppedMs = random.between(120_000, 300_000)
    this.pause(process, stoppedMs)
    scheduler.after(random.between(1000, 20_000), () => {
      process.pod.known = false
    })
    scheduler.after(stoppedMs + random.between(500, 5000), () => this.#remove(process.pod))
  }

  /** Somebody force-deletes the Pod of a process that goes on until its kubelet ends it; another one gets the Lease. */
  deleteByForce(process: Process): void {
    const { random, scheduler, violations } = this.#models
    violations.note(() => `the Pod of ${process.name}, which goes on, is force-deleted`)
    process.pod.known = false
    this.overthrow(process, random.between(0, 20_000))
    scheduler.after(random.between(35_000, 120_000), () => this.#remove(process.pod))
  }

  /** Its Lease has a deadline on the steady clock, so whoever was stopped for long may begin nothing when it goes on. */
  resume(process: Process): void {
    if (!process.alive || !process.paused) return
    this.#models.violations.note(() => `${process.name} goes on`)
    const isLate = process.sleepsFor(renewDeadlineMs)
    process.resume()
    if (this.#everybodyLeads || !process.leads || !isLate || this.leaders().length === 1) return
    process.mayBegin = false
    this.#revokeSoon(process, this.#models.random.between(0, 2000))
  }

  /** The leader loses its Lease and hears of it `lateMs` after another one has got it. */
  overthrow(process: Process, lateMs: number): void {
    if (this.#everybodyLeads || !process.leads) return
    this.#revokeSoon(process, lateMs)
    this.#electSoon(process)
  }

  /** Faults are over: everybody goes on, and one leads; with `handOver` it is one that begins anew. */
  calm(handOver: boolean): void {
    this.#everybodyLeads = false
    for (const { process } of this.replicas) this.resume(process)
    for (const process of this.leaders().slice(handOver ? 0 : 1)) this.#revokeSoon(process, 0)
    this.#electSoon()
  }

  #boot(name: string, pod: Pod): Process {
    const { scheduler } = this.#models
    const process = new Process(name, pod, scheduler)
    process.operator = new Operator(this.#parts(process), this.#bug)
    this.#manifests.feed(process)
    scheduler.after(settleMs, () => void this.#clearUp(process), process)
    if (this.#everybodyLeads) scheduler.after(settleMs, () => this.#grant(process), process)
    return process
  }

  /** What a predecessor left in the journal goes where whoever leads finds it, leader or not, until it is done. */
  async #clearUp(process: Process): Promise<void> {
    const done = await process.operator?.recoverJournal()
    if (done === true) return
    this.#models.scheduler.after(clearUpAgainMs, () => void this.#clearUp(process), process)
  }

  #parts(process: Process): OperatorParts {
    const { scheduler, store, pods, cluster, endpoint, records, violations } = this.#models
    const telemetry = new Telemetry(cluster, violations, process.name)
    return {
      clock: new ProcessClock(process, scheduler),
      stores: { kubernetes: store.port(process) },
      tokenEndpoint: endpoint.port(process),
      journal: pods.journal(process),
      records: records.port(process),
      holders: pods.holders(process),
      sink: cluster.sink(process),
      status: cluster.statusWriter(process),
      events: telemetry,
      metrics: silentMetrics(cluster, violations),
      logger: telemetry,
      installation: { id: 'cluster' },
      seesAllCredentials: true,
      watches: () => true,
      newSealingKey: () => this.#newSealingKey(),
      textCodec: systemTextCodec,
      usesFinalizers: true,
      mayBegin: () => process.mayBegin,
    }
  }

  #newSealingKey(): Sensitive {
    this.#keys += 1
    return new Sensitive(`${secretMark}key-${this.#keys}-`)
  }

  #restart(replica: Replica): void {
    replica.restarts += 1
    this.#models.violations.note(() => `${replica.name} starts again`)
    replica.process = this.#boot(replica.name, replica.pod)
    this.#electSoon()
  }

  #grant(process: Process): void {
    if (!process.alive || process.acting) return
    this.#models.violations.note(() => `${process.name} leads`)
    process.leads = true
    process.mayBegin = true
    process.acting = true
    this.#manifests.feed(process)
    process.operator?.begin()
  }

  #revokeSoon(process: Process, delayMs: number): void {
    this.#models.scheduler.after(delayMs, () => void this.#revoke(process), process)
  }

  async #revoke(process: Process): Promise<void> {
    if (!process.leads) return
    this.#models.violations.note(() => `${process.name} no longer leads`)
    process.leads = false
    process.mayBegin = false
    await process.operator?.end({ flush: false })
    process.forget(this.#models.ledger)
    process.acting = false
    void this.#clearUp(process)
    this.#electSoon()
  }

  #electSoon(except?: Process): void {
    if (this.#electing || this.#everybodyLeads) return
    this.#electing = true
    const { random, scheduler } = this.#models
    scheduler.after(random.between(leaseMs.least, leaseMs.most), () => {
      this.#electing = false
      this.#elect(except)
    })
  }

  #elect(except: Process | undefined): void {
    const awake = this.processes().filter(({ alive, paused }) => alive && !paused)
    if (awake.some((process) => process.leads && process !== except)) return
    const candidates = awake.filter((process) => !process.leads && !process.acting && process !== except)
    if (candidates.length === 0) return void (awake.some(({ leads }) => leads) || this.#electSoon())
    const elected = this.#models.random.pick(candidates)
    this.#models.scheduler.after(0, () => this.#grant(elected), elected)
  }
}
