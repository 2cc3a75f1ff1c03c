import { type CredentialKey, keyText } from '../domain/credential.ts'
import type { Observed } from '../domain/observed.ts'
import { awaitsAnother } from '../domain/refusals.ts'
import { wakeBeforeExpiry } from '../domain/settle.ts'
import type { Step } from '../domain/step.ts'
import { storeText } from '../domain/token-store.ts'
import { type EpochSeconds, later, latest, seconds } from '../domain/time.ts'

/** Of all that wait for a human at one store. */
const looksPerSecond = 20

type Settled = Extract<Step, { kind: 'settled' }>

/**
 * Who looks at which store whether a human has put another document there. Each looks every few seconds, which
 * ten thousand would do instead of anything else: together they keep to a rate.
 */
export class StoreLooks {
  readonly #storeOf = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  /** How a reconcile ends, with its next look as late as all those at the same store make it. */
  paced(step: Settled, { credential, store }: Observed, now: EpochSeconds): Settled {
    const { settlement, wakeAt, progress } = step
    this.forget(credential.key)
    if (settlement.kind !== 'stalled' || store.kind !== 'found' || !awaitsAnother(settlement.failure)) return step
    const count = this.#join(keyText(credential.key), storeText(store.value))
    if (wakeAt === undefined) return step
    const ownTurn = later(now, seconds(count / looksPerSecond))
    return { ...step, wakeAt: wakeBeforeExpiry(progress.state, latest(wakeAt, ownTurn), now) }
  }

  /** This credential waits for no document. */
  forget(key: CredentialKey): void {
    const text = keyText(key)
    const store = this.#storeOf.get(text)
    if (store === undefined) return
    this.#storeOf.delete(text)
    const count = (this.#counts.get(store) ?? 1) - 1
    if (count === 0) this.#counts.delete(store)
    else this.#counts.set(store, count)
  }

  #join(text: string, store: string): number {
    const count = (this.#counts.get(store) ?? 0) + 1
    this.#storeOf.set(text, store)
    this.#counts.set(store, count)
    return count
  }
}
