import { expect, type TestContext } from 'vitest'
import type { FailureCode } from '../../src/domain/failures.ts'
import type { Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import { storeText } from '../../src/domain/token-store.ts'
import type { IssuedTokens } from '../../src/domain/tokens.ts'
import type {
  RefreshTokenLocation,
  RefreshTokenStore,
  StoredRefreshToken,
} from '../../src/ports/refresh-token-store.ts'
import { canary, observeOutput } from '../support/canary.ts'

/** A store under test, and the hands of the humans and tools beside it. */
export interface StoreHarness {
  readonly store: RefreshTokenStore
  location(key: string, property?: string): RefreshTokenLocation
  /**
   * Puts a document where the store looks for `key`, as somebody else would. The suite's documents
   * are JSON objects whose values are all strings, so that every kind of store can hold them.
   */
  put(key: string, text: string): Promise<void>
  /** The document as JSON text; how it is laid out does not matter. */
  get(key: string): Promise<string>
  /** A name that is not taken by another test; default: letters and digits. */
  freshKey?(): string
  /** How many versions the document has had. */
  versions?(key: string): Promise<number>
  /** Nobody puts a claim into these documents. */
  readonly hasNoRoom?: true
  /** Documents are bare refresh tokens, whatever is put. */
  readonly holdsBareTokens?: true
  /** From now on the operator may neither read nor write. */
  forbid?(): Promise<void>
  /** From now on the operator may read, and not write. */
  forbidWriting?(): Promise<void>
  /** From now on nobody answers, until {@link StoreHarness.bringUp}. */
  takeDown?(): Promise<void>
  /** The next write takes effect, and its answer does not arrive; that of a proof neither. Later requests are answered. */
  loseNextWriteAnswer?(): Promise<void>
  /** The next write takes effect, and neither its answer nor any other arrives, until {@link StoreHarness.bringUp}. */
  takeDownAfterNextWrite?(): Promise<void>
  bringUp?(): Promise<void>
  stop?(): Promise<void>
}

let keys = 0

/** One test's key, and what tests do with it. */
export class Bench {
  readonly harness: StoreHarness
  readonly key: string
  readonly token = canary('rt')

  constructor(harness: StoreHarness | undefined) {
    if (harness === undefined) throw new Error('the store under test was not made')
    keys += 1
    this.harness = harness
    this.key = harness.freshKey?.() ?? `contract${keys}`
  }

  /** With a document that holds the token. */
  async seeded(): Promise<this> {
    await this.harness.put(this.key, document(this.token))
    return this
  }

  readonly read = async (): Promise<StoredRefreshToken> =>
    valueOf(await this.harness.store.read(this.harness.location(this.key)))

  /** Always 0 and 1 where the harness cannot count, so that only counting harnesses prove something by it. */
  readonly versions = async (): Promise<number> => {
    if (this.harness.versions !== undefined) return this.harness.versions(this.key)
    this.#uncounted += 1
    return this.#uncounted - 1
  }
  #uncounted = 0

  readonly expectFailure = (result: Result<unknown> | undefined, codes: readonly FailureCode[]): void => {
    if (result === undefined || result.ok) throw new Error(`expected ${codes.join(' or ')}`)
    const { code, message } = result.failure
    observeOutput(`message of ${code}`, JSON.stringify(result.failure))
    expect(codes).toContain(code)
    expect(message).toContain(storeText(this.harness.location(this.key).store))
    expect(message).toContain(this.key)
    expect(message).toMatch(/\.$/)
  }
}

export function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value
  observeOutput(`message of ${result.failure.code}`, JSON.stringify(result.failure))
  throw new Error(`expected success, and not ${result.failure.code}: ${result.failure.message}`)
}

type Hook = 'forbid' | 'forbidWriting' | 'takeDown' | 'loseNextWriteAnswer' | 'takeDownAfterNextWrite' | 'bringUp'

export async function hook(context: TestContext, harness: StoreHarness, name: Hook): Promise<void> {
  if (harness[name] === undefined) context.skip(`the harness cannot ${name}`)
  await harness[name]?.()
}

export function document(refreshToken: string, accessToken?: string): string {
  return JSON.stringify({
    access_token: accessToken ?? canary('at'),
    expires_at: accessToken === undefined ? '1763600000' : '1795179600',
    label: 'Grüße "aus" <der> Box',
    refresh_token: refreshToken,
  })
}

export function documentWith(tokens: IssuedTokens & { refreshToken: Sensitive }): string {
  return document(tokens.refreshToken.reveal(), tokens.accessToken.value.reveal())
}

export function issued(): IssuedTokens & { refreshToken: Sensitive } {
  return {
    refreshToken: new Sensitive(canary('rt')),
    accessToken: {
      value: new Sensitive(canary('at')),
      tokenType: 'Bearer',
      issuedAt: epochSeconds(1_795_176_000),
      expiresAt: epochSeconds(1_795_179_600),
      scopes: [],
    },
  }
}
