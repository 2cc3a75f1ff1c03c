import { keyText } from '../../domain/credential.ts'
import { apiGroup, groupVersion } from '../../domain/names.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CredentialEvent, EventRecorder } from '../../ports/event-recorder.ts'
import type { Logger } from '../../ports/logger.ts'
import type { KubeClient } from './kube-client.ts'
import { eventsPath } from './object-paths.ts'
import { type BucketSize, TokenBucket } from './token-bucket.ts'

/** The API server refuses longer notes, in bytes. */
const longestNote = 1024

/** An outage stalls thousands of credentials in one second; that is one thing to know, not thousands of writes. */
const defaultRate: BucketSize = { burst: 100, perSecond: 5 }

/** An event that nobody could store within this time is old news. */
const timeoutMs = 10_000

export interface KubernetesEventRecorderOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly logger: Logger
  /** Name of this process, for example of its Pod; at most 128 characters. */
  readonly instance: string
  /** Default: 100 at once, 5 per second. */
  readonly rate?: BucketSize
}

/**
 * Events of the group `events.k8s.io`, one per transition.
 *
 * Never makes its caller wait. What the rate limit or the API server refuses is dropped: once per
 * such a stretch with a warning, and with the count when it is over.
 *
 * Needs `create` on events of `events.k8s.io` in the credentials' namespaces.
 */
export class KubernetesEventRecorder implements EventRecorder {
  readonly #options: KubernetesEventRecorderOptions
  readonly #bucket: TokenBucket
  readonly #sending = new Set<Promise<void>>()
  #dropped = 0

  constructor(options: KubernetesEventRecorderOptions) {
    this.#options = options
    this.#bucket = new TokenBucket(options.clock, options.rate ?? defaultRate)
  }

  record(event: CredentialEvent): void {
    if (!this.#bucket.take()) {
      this.#drop(event, 'RateLimited')
      return
    }
    const sending = this.#send(event).finally(() => this.#sending.delete(sending))
    this.#sending.add(sending)
  }

  /** Resolves when every recorded event was taken or dropped. */
  async flush(): Promise<void> {
    await Promise.all(this.#sending)
  }

  async #send(event: CredentialEvent): Promise<void> {
    const { client, logger } = this.#options
    const outcome = await client.request({
      method: 'POST',
      path: eventsPath(event.key.namespace),
      body: this.#body(event),
      timeoutMs,
    })
    if (!outcome.ok) {
      this.#drop(event, outcome.error.reason)
      return
    }
    if (this.#dropped === 0) return
    logger.info({ dropped: this.#dropped }, 'events are recorded again')
    this.#dropped = 0
  }

  #drop(event: CredentialEvent, cause: string): void {
    this.#dropped += 1
    const fields = { credential: keyText(event.key), event: event.reason, cause }
    if (this.#dropped === 1) this.#options.logger.warn(fields, 'an event was dropped')
    else this.#options.logger.debug(fields, 'an event was dropped')
  }

  #body({ key, uid, severity, reason, message }: CredentialEvent): object {
    const { clock, instance } = this.#options
    const now = new Date(clock.now() * 1000).toISOString()
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: `${key.name}-`, namespace: key.namespace },
      // metav1.MicroTime
      eventTime: now.replace('Z', '000Z'),
      reportingController: `${apiGroup}/controller`,
      reportingInstance: instance.slice(0, 128),
      action: 'Reconcile',
      type: severity,
      reason,
      note: cutToBytes(message, longestNote),
      regarding: { apiVersion: groupVersion, kind: 'OAuthCredential', ...key, uid },
    }
  }
}

/** The beginning of a text that fits, never ending inside a character. */
function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text, 'utf8')
  if (encoded.length <= bytes) return text
  let end = bytes - Buffer.byteLength('…')
  while (((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return `${encoded.toString('utf8', 0, end)}…`
}
