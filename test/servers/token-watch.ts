import { setTimeout as sleep } from 'node:timers/promises'
import { vi } from 'vitest'
import type { AuthorizationServer } from '../support/authorization-server.ts'

/** A token that was seen in a target. */
export interface SeenToken {
  readonly accessToken: string
  readonly seenAtMs: number
  /** Whether the server still took the one before when this one was seen. */
  readonly replacedAlive: boolean
}

const intervalMs = 150

/**
 * What a program sees that reads its token from a target all the time: at each look it asks the
 * authorization server whether the token would be accepted.
 */
export class TokenWatch {
  readonly tokens: SeenToken[] = []
  /** Looks, and those at which the target held no token or one that the server refuses. */
  looks = 0
  stale = 0
  readonly #read: () => Promise<string | undefined>
  readonly #server: Pick<AuthorizationServer, 'isActive'>
  readonly #ended: Promise<void>
  #stopping = false

  /** @param read the access token in the target; undefined when there is none. */
  constructor(server: Pick<AuthorizationServer, 'isActive'>, read: () => Promise<string | undefined>) {
    this.#server = server
    this.#read = read
    this.#ended = this.#run()
  }

  /** Resolves when so many tokens were seen one after the other, the first included. */
  async untilTokens(count: number, withinMs: number): Promise<void> {
    const seen = (): void => {
      if (this.tokens.length < count) throw new Error(`only ${this.tokens.length} of ${count} tokens came`)
    }
    await vi.waitFor(seen, { timeout: withinMs, interval: intervalMs })
  }

  /** Seconds between the first sight of each token and that of its successor. */
  get gaps(): readonly number[] {
    return this.tokens.slice(1).map(({ seenAtMs }, index) => (seenAtMs - (this.tokens[index]?.seenAtMs ?? 0)) / 1000)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#ended
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await this.#look()
      await sleep(intervalMs)
    }
  }

  async #look(): Promise<void> {
    const accessToken = await this.#read()
    const last = this.tokens.at(-1)
    if (accessToken === undefined && last === undefined) return // nothing was published yet
    this.looks += 1
    if (accessToken === undefined || !(await this.#server.isActive(accessToken))) {
      this.stale += 1
      return
    }
    if (accessToken === last?.accessToken) return
    const replacedAlive = last === undefined || (await this.#server.isActive(last.accessToken))
    this.tokens.push({ accessToken, seenAtMs: Date.now(), replacedAlive })
  }
}
