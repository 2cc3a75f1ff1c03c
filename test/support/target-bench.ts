import { expect } from 'vitest'
import { TargetSecrets } from '../../src/adapters/kubernetes/target-secret.ts'
import type { FailureCode } from '../../src/domain/failures.ts'
import { ok, type Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds, type EpochSeconds, later, seconds } from '../../src/domain/time.ts'
import type {
  Publication,
  Published,
  Publishing,
  TargetIdentity,
  TargetState,
} from '../../src/ports/access-token-sink.ts'
import { type ApiHands, CountingClient, freshName } from './api-hands.ts'
import { canary, observeOutput } from './canary.ts'

/** When the tokens of these tests were issued, unless they say otherwise. */
export const issuedAt = epochSeconds(1_795_176_000)
export const expiresAt = epochSeconds(1_795_179_600)
/** How long ago that was. */
const age = 600

/** What a test tells of a token. */
export interface TokenTimes {
  /** Seconds from {@link issuedAt} to when it was issued. */
  readonly after?: number
}

type TargetMarks = Partial<Pick<Publication, 'labels' | 'annotations' | 'mark' | 'previous'>>

/** One credential, its target, and the sink between them. */
export class TargetBench {
  readonly hands: ApiHands
  readonly client: CountingClient
  readonly identity: TargetIdentity
  /** Of the publishing process. */
  now = later(issuedAt, seconds(age))
  readonly #clock = { now: (): EpochSeconds => this.now }
  sink: TargetSecrets
  /** What the last publication has done. */
  change: Publishing['change'] | undefined

  constructor(hands: ApiHands, identity: Partial<TargetIdentity> = {}) {
    this.hands = hands
    this.client = new CountingClient(hands.operator)
    this.sink = new TargetSecrets(this.client, this.#clock)
    this.identity = {
      credential: { namespace: hands.namespace, name: 'claude' },
      credentialUid: crypto.randomUUID(),
      name: freshName('target'),
      creationPolicy: 'Owner',
      deletionPolicy: 'Delete',
      ...identity,
    }
  }

  get name(): string {
    return this.identity.name
  }

  /** The same target, seen by another credential, or by this one under another policy. */
  as(changes: Partial<TargetIdentity>): TargetBench {
    return new TargetBench(this.hands, { ...this.identity, ...changes })
  }

  /** A process that starts and knows nothing. */
  restart(): void {
    this.sink = new TargetSecrets(this.client, this.#clock)
  }

  async publish(
    files: Readonly<Record<string, string>> = { access_token: canary('at') },
    { after = 0, ...marks }: TokenTimes & TargetMarks = {},
  ): Promise<Result<Published | undefined>> {
    const result = told(await this.sink.publish({ ...this.#publication(files, after), ...marks }))
    this.change = result.ok ? result.value.change : undefined
    return result.ok ? ok(result.value.beside) : result
  }

  async rehearse(files: Readonly<Record<string, string>> = { access_token: canary('at') }): Promise<Result<void>> {
    return told(await this.sink.rehearse(this.#publication(files, 0)))
  }

  #publication(files: Readonly<Record<string, string>>, after: number): Publication {
    return {
      identity: this.identity,
      mark: 'https://login.example.com 1.2.3',
      files: new Map(Object.entries(files).map(([key, content]) => [key, new Sensitive(content)])),
      digest: `digest of ${Object.keys(files).join()}`,
      issuedAt: later(issuedAt, seconds(after)),
      expiresAt: later(expiresAt, seconds(after)),
    }
  }

  async published(
    files: Readonly<Record<string, string>> = { access_token: canary('at') },
    times: TokenTimes & TargetMarks = {},
  ): Promise<void> {
    expect(await this.publish(files, times)).toEqual({ ok: true, value: undefined })
  }

  async observe(keys: readonly string[] = ['access_token']): Promise<Result<TargetState>> {
    return told(await this.sink.observe(this.identity, keys))
  }

  async observed(keys: readonly string[] = ['access_token']): Promise<TargetState | FailureCode> {
    const result = await this.observe(keys)
    return result.ok ? result.value : result.failure.code
  }
}

/** Lets the canary scan read what a result says. */
export function told<T>(result: Result<T>): Result<T> {
  observeOutput('a result', JSON.stringify(result))
  return result
}

export function codeOf(result: Result<unknown>): FailureCode | 'ok' {
  return result.ok ? 'ok' : result.failure.code
}

export function messageOf(result: Result<unknown>): string {
  return result.ok ? '' : result.failure.message
}
