import { randomUUID } from 'node:crypto'
import { fieldManager, targetLabels } from '../../domain/names.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { ListedRecord } from '../../ports/refresh-records.ts'
import type { KubeClient } from './kube-client.ts'
import { ListWatch } from './list-watch.ts'
import { metadataOnly } from './metadata-only.ts'
import { secretPath } from './object-paths.ts'
import { recordTimeoutMs, secretsPath } from './record-calls.ts'
import { markAnnotation, ownerLabel, recordsMarkName } from './record-secret.ts'
import { type RecordSight, recordSight, RecordView } from './record-view.ts'
import { sleep } from './sleep.ts'

/** A list that comes so soon after another one is worth a watch, which ends when nobody has asked for so long. */
const soonMs = 60_000
/** Between two marks: going through ten thousand records takes a few hundredths of a second each time. */
const spacingMs = 200
/** How long a mark is waited for, also while the watch begins with all records. */
const patienceMs = 15_000
/** How long nothing is watched after the API server has refused it, or a mark was waited for in vain. */
const pauseMs = 300_000

export interface RecordWatchOptions {
  readonly client: KubeClient
  /** The operator's own. */
  readonly namespace: string
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly logger: Logger
}

/** All records, or undefined: they are to be listed. */
type Told = readonly ListedRecord[] | undefined

/**
 * All records as of now, for those who ask again and again: each of many new credentials lists the records before its
 * first request, and ten thousand of them are forty megabytes a list.
 *
 * The watch of the records shows in which order they were written. So whoever asks writes a mark beside them; once the
 * watch shows the mark, it has shown all that was written before. The mark is a Secret of its own with nothing in it.
 * It bears the process and a number: where a watch that was interrupted shows a later one alone, that says as much.
 *
 * Needs `watch` on Secrets of the namespace, beside the rights to list and to write them. Where that is missing, or the
 * mark does not come, all records are listed as before.
 */
export class RecordWatch {
  readonly #options: RecordWatchOptions
  readonly #instance = randomUUID()
  /** By the number of the mark that they wait for. */
  readonly #waiting = new Map<number, (told: Told) => void>()
  #running: AbortController | undefined
  #ended = Promise.resolve()
  /** Its mark is not sent yet. */
  #next: Promise<Told> | undefined
  #marks = 0
  #askedAtMs = -Infinity
  #markedAtMs = -Infinity
  #pausedUntilMs = -Infinity
  #cancelIdle = (): void => {}
  #isStopped = false

  constructor(options: RecordWatchOptions) {
    this.#options = options
  }

  /**
   * Every record that is there, as of a moment after the call; those that are damaged are left out. Undefined: it is to
   * be listed, because nobody has asked for a while, or because the API server does not tell. Never rejects.
   */
  async current(): Promise<Told> {
    const nowMs = this.#options.clock.monotonicMs()
    const isSoon = nowMs - this.#askedAtMs < soonMs
    this.#askedAtMs = nowMs
    if (!isSoon || nowMs < this.#pausedUntilMs || this.#isStopped) return undefined
    this.#running ??= this.#start()
    this.#endWhenIdle()
    this.#next ??= this.#told(this.#running.signal)
    return this.#next
  }

  /** Ends the watch, and begins no other one: who waits is to list. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#end()
    await this.#ended
  }

  /** For all who ask before the mark is sent. */
  async #told(signal: AbortSignal): Promise<Told> {
    await this.#spaced(signal)
    this.#next = undefined
    return signal.aborted ? undefined : this.#afterMark(signal)
  }

  async #spaced(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const waitMs = this.#markedAtMs + spacingMs - clock.monotonicMs()
    if (waitMs > 0) await sleep(clock, waitMs, signal)
    this.#markedAtMs = clock.monotonicMs()
  }

  async #afterMark(signal: AbortSignal): Promise<Told> {
    this.#marks += 1
    const mark = this.#marks
    const { promise, resolve } = Promise.withResolvers<Told>()
    const giveUp = (): void => resolve(undefined)
    const cancel = this.#options.clock.wakeAfter(patienceMs, () => this.#pause())
    signal.addEventListener('abort', giveUp, { once: true })
    this.#waiting.set(mark, resolve)
    // The watch may show it before the answer comes, or although none does.
    void this.#write(mark, signal).then((mayBeThere) => !mayBeThere && giveUp())
    try {
      return await promise
    } finally {
      cancel()
      signal.removeEventListener('abort', giveUp)
      this.#waiting.delete(mark)
    }
  }

  /** False when the API server refuses, or it was not sent. */
  async #write(mark: number, signal: AbortSignal): Promise<boolean> {
    const { client, namespace } = this.#options
    const labels = { [targetLabels.managedBy]: fieldManager, [ownerLabel]: 'none' }
    const annotations = { [markAnnotation]: `${this.#instance}/${mark}` }
    const outcome = await client.request({
      method: 'PATCH',
      path: secretPath(namespace, recordsMarkName),
      contentType: 'application/apply-patch+yaml',
      accept: metadataOnly,
      query: { fieldManager, force: 'true' },
      timeoutMs: recordTimeoutMs,
      signal,
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: recordsMarkName, labels, annotations } },
    })
    if (outcome.ok) return true
    if (outcome.error.status === 403) this.#pause()
    return outcome.error.status === undefined && outcome.error.ambiguous
  }

  #start(): AbortController {
    const { namespace, ...tools } = this.#options
    const stopping = new AbortController()
    const view: RecordView = new RecordView((mark) => this.#tell(mark, view))
    const watch = new ListWatch<RecordSight>({
      ...tools,
      collection: {
        resource: 'refresh records',
        path: secretsPath(namespace),
        apiVersion: 'v1',
        kind: 'Secret',
        labelSelector: ownerLabel,
        metadataOnly: true,
      },
      decode: recordSight,
      handler: view,
      // Not counted, because it comes and goes: an alert about watches that are silent is not to hear of it.
      metrics: { watchEvent: () => {}, watchRestarted: (_, cause) => cause === 'http_403' && this.#pause() },
    })
    this.#ended = watch.run(stopping.signal)
    return stopping
  }

  #tell(mark: string, view: RecordView): void {
    const [instance, number] = mark.split('/')
    if (instance !== this.#instance) return
    for (const [awaited, told] of this.#waiting) if (awaited <= Number(number)) told(view.records())
  }

  #endWhenIdle(): void {
    this.#cancelIdle()
    this.#cancelIdle = this.#options.clock.wakeAfter(soonMs, () => this.#end())
  }

  #pause(): void {
    const { clock, logger } = this.#options
    this.#pausedUntilMs = clock.monotonicMs() + pauseMs
    logger.debug({}, 'The API server does not tell of refresh records as they are written: all are listed.')
    this.#end()
  }

  /** Who waits is to list. */
  #end(): void {
    this.#cancelIdle()
    this.#running?.abort()
    this.#running = undefined
  }
}
