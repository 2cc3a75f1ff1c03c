import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { Sensitive } from '../../domain/sensitive.ts'
import { seconds } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { type AwsProblem, classifyAwsError } from './classify.ts'
import { currentStage, type SecretStanding, standingOf } from './secret-standing.ts'

/** One version of a secret. */
export interface SecretVersion {
  readonly id: string
  /** Undefined: it is binary. */
  readonly text: Sensitive | undefined
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: AwsProblem }

/**
 * On the newest version that the operator wrote. It keeps that version from being pruned while the
 * label of the current one is not on it yet. (`AWSPENDING` belongs to rotation functions.) It moves
 * along with each new version by itself, so taking it off would only cost a third of the writes that
 * the account may make.
 */
const ownStage = 'OAUTHOP_LATEST'

/** The versions of one secret, by the calls of the API that the adapter needs. Never throws. */
export class SecretVersions {
  readonly #client: SecretsManagerClient
  readonly #secretId: string
  readonly #deps: { readonly clock: Clock; readonly metrics: Metrics }

  constructor(client: SecretsManagerClient, secretId: string, deps: { clock: Clock; metrics: Metrics }) {
    this.#client = client
    this.#secretId = secretId
    this.#deps = deps
  }

  current(): Promise<Outcome<SecretVersion>> {
    return this.#get({ VersionStage: currentStage })
  }

  version(id: string): Promise<Outcome<SecretVersion>> {
    return this.#get({ VersionId: id })
  }

  /** Needs a right of its own: `secretsmanager:DescribeSecret`. */
  async standing(): Promise<Outcome<SecretStanding>> {
    const { DescribeSecretCommand } = await import('./sdk.ts')
    const answer = await this.#attempt('read', () =>
      this.#client.send(new DescribeSecretCommand({ SecretId: this.#secretId })),
    )
    return answer.ok ? { ok: true, value: standingOf(answer.value) } : answer
  }

  /**
   * Adds a version under an id of our choice. The same text under the same id again is ignored by AWS,
   * labels and all; the problem is `already-exists` when another text has the id. A label is named
   * nevertheless, because a put without one moves the label of the current version.
   */
  put(id: string, text: Sensitive): Promise<Outcome<unknown>> {
    return this.#repeatable(async () => {
      const { PutSecretValueCommand } = await import('./sdk.ts')
      const command = new PutSecretValueCommand({
        SecretId: this.#secretId,
        ClientRequestToken: id,
        SecretString: text.reveal(),
        VersionStages: [ownStage],
      })
      return this.#client.send(command)
    })
  }

  /** Makes a version the current one, unless the current one is no longer `from`: then `not-accepted`. */
  makeCurrent(to: string, from: string): Promise<Outcome<unknown>> {
    return this.#repeatable(async () => {
      const { UpdateSecretVersionStageCommand } = await import('./sdk.ts')
      const command = new UpdateSecretVersionStageCommand({
        SecretId: this.#secretId,
        VersionStage: currentStage,
        MoveToVersionId: to,
        RemoveFromVersionId: from,
      })
      return this.#client.send(command)
    })
  }

  async #get(which: { VersionStage: string } | { VersionId: string }): Promise<Outcome<SecretVersion>> {
    const { GetSecretValueCommand } = await import('./sdk.ts')
    const answer = await this.#attempt('read', () =>
      this.#client.send(new GetSecretValueCommand({ SecretId: this.#secretId, ...which })),
    )
    if (!answer.ok) return answer
    const { VersionId, SecretString } = answer.value
    if (VersionId === undefined) return { ok: false, problem: classifyAwsError(undefined) }
    return {
      ok: true,
      value: { id: VersionId, text: SecretString === undefined ? undefined : new Sensitive(SecretString) },
    }
  }

  /** Again when the first try may have been carried out; what fails then is ambiguous, whatever it says. */
  async #repeatable<T>(send: () => Promise<T>): Promise<Outcome<T>> {
    const first = await this.#attempt('write', send)
    if (first.ok || !first.problem.ambiguous) return first
    const second = await this.#attempt('write', send)
    const explained = second.ok || ['already-exists', 'not-accepted'].includes(second.problem.kind)
    return explained ? second : { ok: false, problem: { ...second.problem, ambiguous: true } }
  }

  async #attempt<T>(operation: 'read' | 'write', send: () => Promise<T>): Promise<Outcome<T>> {
    const outcome = await this.#once(operation, send)
    return !outcome.ok && outcome.problem.clockCorrected ? this.#once(operation, send) : outcome
  }

  async #once<T>(operation: 'read' | 'write', send: () => Promise<T>): Promise<Outcome<T>> {
    const { clock, metrics } = this.#deps
    const startedMs = clock.monotonicMs()
    const outcome = await answerOf(send)
    const works = outcome.ok || outcome.problem.kind !== 'other'
    metrics.storeRequest('awsSecretsManager', operation, works, seconds((clock.monotonicMs() - startedMs) / 1000))
    return outcome
  }
}

async function answerOf<T>(send: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await send() }
  } catch (error) {
    return { ok: false, problem: classifyAwsError(error) }
  }
}
