import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DirectorySink } from '../../src/adapters/files/directory-sink.ts'
import { TargetSecrets } from '../../src/adapters/kubernetes/target-secret.ts'
import type { CreationPolicy } from '../../src/domain/credential.ts'
import type { EpochSeconds } from '../../src/domain/time.ts'
import type { AccessTokenSink, TargetIdentity } from '../../src/ports/access-token-sink.ts'
import { type PreviousBench, previousTestStart } from '../contract/previous-token.ts'
import { type ApiHands, freshName } from './api-hands.ts'

function identityIn(namespace: string, creationPolicy: CreationPolicy): TargetIdentity {
  return {
    credential: { namespace, name: 'claude' },
    credentialUid: crypto.randomUUID(),
    name: freshName('target'),
    creationPolicy,
    deletionPolicy: 'Delete',
  }
}

/** Target Secrets of an API server. */
export class SecretPreviousBench implements PreviousBench {
  readonly identity: TargetIdentity
  readonly takesBack: boolean
  now = previousTestStart
  sink: AccessTokenSink
  readonly #hands: ApiHands

  constructor(hands: ApiHands, creationPolicy: CreationPolicy) {
    this.#hands = hands
    this.identity = identityIn(hands.namespace, creationPolicy)
    this.takesBack = creationPolicy !== 'Merge'
    this.sink = this.#newSink()
  }

  restart(): void {
    this.sink = this.#newSink()
  }

  contents(): Promise<Readonly<Record<string, string>>> {
    return this.#hands.data(this.identity.name)
  }

  tamper(name: string, content: string): Promise<void> {
    return this.#hands.editData(this.identity.name, { [name]: content })
  }

  #newSink(): AccessTokenSink {
    return new TargetSecrets(this.#hands.operator, { now: (): EpochSeconds => this.now })
  }
}

/** The directories of standalone mode. */
export class DirectoryPreviousBench implements PreviousBench {
  readonly identity = identityIn('ci', 'Owner')
  readonly takesBack = true
  now = previousTestStart
  sink: AccessTokenSink
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
    this.sink = this.#newSink()
  }

  restart(): void {
    this.sink = this.#newSink()
  }

  contents(): Promise<Readonly<Record<string, string>>> {
    const names = readdirSync(this.#path()).filter((name) => !name.startsWith('..'))
    return Promise.resolve(
      Object.fromEntries(names.map((name) => [name, readFileSync(join(this.#path(), name), 'utf8')])),
    )
  }

  tamper(name: string, content: string): Promise<void> {
    writeFileSync(join(this.#path(), name), content)
    return Promise.resolve()
  }

  /** Removes what the tests have left. */
  end(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #path(): string {
    return join(this.#directory, this.identity.credential.namespace, this.identity.name)
  }

  #newSink(): AccessTokenSink {
    return new DirectorySink({ directory: this.#directory, clock: { now: (): EpochSeconds => this.now }, graceMs: 0 })
  }
}
