import { tokenFingerprint } from '../../src/adapters/system/token-fingerprint.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { FaultBed, OperatorPod } from './fault-bed.ts'
import type { Life } from './life.ts'
import type { Family, FamilyToken } from './refresh-families.ts'

export type Place = 'store' | 'journal' | 'record' | 'memory' | 'leeway'

/** A refresh token that exists nowhere any more. Times are milliseconds. */
export interface Loss {
  readonly name: string
  /**
   * W1: no complete answer reached the process. W2: it died before the answer was in its journal. W3: the journal
   * went with the Pod before the answer was in the record or the store.
   */
  readonly window: 'W1' | 'W2' | 'W3'
  /** From the last byte of the answer to the end of the process. */
  readonly gapMs?: number
}

/**
 * Knows where copies of each refresh token are, and so what is lost and which presentation does harm: one of a used
 * token while a copy of its successor exists somewhere.
 */
export class Oracle {
  readonly violations: string[] = []
  readonly losses: Loss[] = []
  /** Used tokens that were presented when their successors existed nowhere: nothing was left to be harmed. */
  harmlessReuses = 0
  readonly #bed: FaultBed
  readonly #lives: { readonly life: Life; readonly pod: OperatorPod }[] = []
  readonly #settled = new WeakSet<FamilyToken>()

  constructor(bed: FaultBed) {
    this.#bed = bed
    bed.options.server.watch({ reused: (family, presented) => this.#judgeReuse(family, presented) })
  }

  follow(life: Life, pod: OperatorPod): void {
    this.#lives.push({ life, pod })
  }

  violated(what: string): void {
    this.violations.push(what)
    console.log(`VIOLATION: ${what}`)
  }

  /** Places where a token is now; looked at in the order in which tokens move. */
  async placesOf(name: string, token: FamilyToken): Promise<readonly Place[]> {
    const places: Place[] = []
    if (this.#mayBeInMemory(token)) places.push('memory')
    if (this.#pods().some(({ journal }) => journal.holds(token.value))) places.push('journal')
    if (await this.#isInRecord(token)) places.push('record')
    if ((await this.#bed.options.store.read(name)) === token.value) places.push('store')
    return places
  }

  /** Whether the record has the newest token of a family. */
  isRetained(family: Family): Promise<boolean> {
    return this.#isInRecord(family.newest)
  }

  /** A used token is presented again, and the family is about to die of it. */
  async #judgeReuse(family: Family, presented: FamilyToken): Promise<void> {
    if (family.lost !== undefined) {
      this.harmlessReuses += 1
      return
    }
    const { families } = this.#bed.options.server
    for (const token of families.live(family)) {
      const places = await this.placesOf(family.name, token)
      if (places.length > 0) {
        const where = `${family.name}: generation ${presented.depth} was presented again`
        return this.violated(`${where} while generation ${token.depth} is in the ${places.join(' and the ')}`)
      }
    }
    const { deliveredAtMs } = family.newest
    if (deliveredAtMs !== undefined && !this.#diedAfter(deliveredAtMs))
      this.violated(`${family.name}: generation ${family.newest.depth} had arrived, and is nowhere`)
    family.lost = 'answer lost'
    this.losses.push({ name: family.name, window: 'W1' })
    this.harmlessReuses += 1
  }

  /**
   * Looks after every credential while no process runs. @returns names of those that lost their refresh token now, and
   * of those whose newest is not in the store yet. Those whose lost answer the server would give again are neither.
   */
  async takeStock(podLost: boolean): Promise<{ readonly lost: readonly string[]; readonly behind: readonly string[] }> {
    const { server, names, store } = this.#bed.options
    await server.idle()
    const lost: string[] = []
    const behind: string[] = []
    const records = await this.#bed.retained()
    const holds = (token: FamilyToken): boolean =>
      this.#pods().some(({ journal }) => journal.holds(token.value)) || isRetained(token, records)
    for (const name of names) {
      const family = server.families.current(name)
      if (family.lost !== undefined || this.#settled.has(family.newest)) continue
      const inStore = await store.read(name)
      const live = server.families.live(family)
      if (live.length === 0) this.violated(`${name}: the family is dead, and nobody had lost it`)
      if (inStore !== undefined && live[0]?.value === inStore) this.#settled.add(family.newest)
      else if (live.some((token) => token.value === inStore || holds(token))) behind.push(name)
      else if (!this.#leewayHas(family, inStore, holds)) lost.push(this.#lose(family, podLost))
    }
    return { lost, behind }
  }

  #lose(family: Family, podLost: boolean): string {
    const { deliveredAtMs } = family.newest
    const diedAtMs = Math.max(...this.#lives.map(({ life }) => life.endedAtMs ?? 0))
    const arrived = deliveredAtMs !== undefined && deliveredAtMs < diedAtMs
    family.lost = 'nowhere after the end of the process'
    const window = arrived ? (podLost ? 'W3' : 'W2') : 'W1'
    this.losses.push({ name: family.name, window, ...(arrived && { gapMs: diedAtMs - deliveredAtMs }) })
    return family.name
  }

  #leewayHas(family: Family, inStore: string | undefined, holds: (token: FamilyToken) => boolean): boolean {
    const { families } = this.#bed.options.server
    return families.recoverable(family).some((token) => token.value === inStore || holds(token))
  }

  #pods(): readonly OperatorPod[] {
    return [...new Set(this.#lives.map(({ pod }) => pod))]
  }

  /** A process that lives, or is stopped, has what was delivered while it lived. */
  #mayBeInMemory({ deliveredAtMs, issuedAtMs }: FamilyToken): boolean {
    if (deliveredAtMs === undefined) return false
    return this.#lives.some(({ life }) => life.endedAtMs === undefined && life.startedAtMs < issuedAtMs)
  }

  #diedAfter(atMs: number): boolean {
    return this.#lives.some(({ life }) => life.endedAtMs !== undefined && life.endedAtMs >= atMs)
  }

  async #isInRecord(token: FamilyToken): Promise<boolean> {
    return isRetained(token, await this.#bed.retained())
  }
}

function isRetained({ value }: FamilyToken, records: ReadonlySet<string>): boolean {
  return records.has(tokenFingerprint(new Sensitive(value)))
}
