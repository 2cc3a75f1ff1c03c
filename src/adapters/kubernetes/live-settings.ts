import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import { sameSettings, type ConnectionSettings, type ConnectionSettingsSource } from './connection-settings.ts'
import { sleep } from './sleep.ts'

/** How old settings may be before they are read again, as in client-go. */
const maxAgeMs = 60_000
/** Between two reads because of rejected credentials: a plugin is a process, and every call may be rejected. */
const minRejectedGapMs = 1_000
/** A plugin that hangs must not hold up every call. */
const readTimeoutMs = 30_000

/**
 * The settings that are in force.
 *
 * Guarantees: read again when they are used and older than a minute, without making the call wait,
 * and when the API server has rejected them. One read at a time. What cannot be read leaves the last
 * settings in force. While nothing changes the same object is returned.
 */
export class LiveSettings {
  readonly #source: ConnectionSettingsSource
  readonly #clock: Clock
  readonly #logger: Logger
  #settings: ConnectionSettings | undefined
  #readAtMs = Number.NEGATIVE_INFINITY
  #reading: Promise<Result<ConnectionSettings>> | undefined
  #failing = false

  constructor(source: ConnectionSettingsSource, clock: Clock, logger: Logger) {
    this.#source = source
    this.#clock = clock
    this.#logger = logger
  }

  /** Undefined before the first {@link LiveSettings.load}. Starts a read when the settings are old. */
  current(): ConnectionSettings | undefined {
    if (this.#settings !== undefined && this.#clock.monotonicMs() - this.#readAtMs >= maxAgeMs) void this.#read(false)
    return this.#settings
  }

  /** Reads the settings for the first time. */
  load(): Promise<Result<ConnectionSettings>> {
    return this.#read(false)
  }

  /** Reads again because the API server rejected `used`. True when other settings are in force now. */
  async replaced(used: ConnectionSettings): Promise<boolean> {
    if (this.#settings !== used) return true
    if (this.#clock.monotonicMs() - this.#readAtMs >= minRejectedGapMs) await this.#read(true)
    return this.#settings !== used
  }

  #read(rejected: boolean): Promise<Result<ConnectionSettings>> {
    this.#reading ??= this.#readOnce(rejected).finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readOnce(rejected: boolean): Promise<Result<ConnectionSettings>> {
    const result = await this.#readInTime(rejected)
    this.#readAtMs = this.#clock.monotonicMs()
    this.#tell(result)
    if (result.ok && (this.#settings === undefined || !sameSettings(this.#settings, result.value))) {
      this.#settings = result.value
    }
    return result.ok && this.#settings !== undefined ? ok(this.#settings) : result
  }

  #readInTime(rejected: boolean): Promise<Result<ConnectionSettings>> {
    const done = new AbortController()
    const late = sleep(this.#clock, readTimeoutMs, done.signal).then(() =>
      failed(failure('KUBERNETES_UNAVAILABLE', 'The Kubernetes connection settings could not be read within 30 s.')),
    )
    return Promise.race([this.#source.read(rejected), late]).finally(() => done.abort())
  }

  #tell(result: Result<ConnectionSettings>): void {
    if (result.ok === !this.#failing) return
    this.#failing = !result.ok
    if (result.ok) this.#logger.info({}, 'The Kubernetes connection settings can be read again.')
    else this.#logger.warn({ code: result.failure.code }, result.failure.message)
  }
}
