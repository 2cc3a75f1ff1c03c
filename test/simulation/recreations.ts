import type { CredentialKey } from '../../src/domain/credential.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import type { Fleet } from './fleet.ts'
import type { Manifests } from './manifests.ts'
import type { Models } from './models.ts'
import { beginning } from './process.ts'
import { manifestOf, type Planned } from './scenario.ts'

/** An object that is to go, and waits for whoever has to do with it. */
interface Leaving {
  readonly planned: Planned
  readonly gapMs: number
}

/** Objects that somebody deletes and makes anew. One with a finalizer goes when the operator lets it. */
export class Recreations {
  readonly #models: Models
  readonly #manifests: Manifests
  readonly #fleet: Fleet
  /** By the uid of the object. */
  readonly #leaving = new Map<string, Leaving>()
  /** Each brings an object back that somebody is about to make anew. */
  readonly #absent = new Set<() => void>()
  #isCalm = false
  /** Hears of each object that is deleted, before the operator does. */
  onDeleted: (planned: Planned) => void = () => undefined

  constructor(models: Models, manifests: Manifests, fleet: Fleet) {
    this.#models = models
    this.#manifests = manifests
    this.#fleet = fleet
    models.cluster.onFinalizer = (key, uid, isWanted) => this.#setFinalizer(key, uid, isWanted)
  }

  /** The object goes, with its status and its target; after a while there is another one of its name. */
  recreate(planned: Planned, gapMs: number): void {
    const credential = this.#manifests.credentials.get(planned.name)
    if (credential === undefined || credential.deleting) return
    this.onDeleted(planned)
    if (!credential.finalized) return this.#remove({ planned, gapMs })
    this.#models.violations.note(() => `${planned.name} is deleted, and waits for its finalizer`)
    this.#leaving.set(credential.uid, { planned, gapMs })
    this.#manifests.apply(planned.name, { ...credential, deleting: true }, this.#fleet.processes())
  }

  /** Whatever is still to be made anew is made now, and what waits is made at once when it goes. */
  calm(): void {
    this.#isCalm = true
    for (const back of this.#absent) back()
  }

  #setFinalizer({ name }: CredentialKey, uid: string, isWanted: boolean): void {
    const credential = this.#manifests.credentials.get(name)
    if (credential?.uid !== uid || credential.finalized === isWanted) return
    const leaving = this.#leaving.get(uid)
    // The API server takes no finalizer for an object that is being deleted.
    if (leaving === undefined) {
      this.#manifests.apply(name, { ...credential, finalized: isWanted }, this.#fleet.processes())
    } else if (!isWanted) {
      this.#leaving.delete(uid)
      this.#remove(leaving)
    }
  }

  #remove({ planned, gapMs }: Leaving): void {
    const { cluster, scheduler } = this.#models
    const { uid: gone, name, target } = planned
    planned.formerUids.push(gone)
    planned.uid = `${gone.slice(0, -2)}${planned.formerUids.length}${gone.slice(-1)}`
    cluster.forget(`ci/${name}`, planned.uid)
    cluster.collect(target, gone)
    const back = (): void => {
      if (!this.#absent.delete(back)) return
      const createdAt = epochSeconds(beginning + scheduler.nowMs / 1000)
      this.#manifests.apply(name, { ...manifestOf(planned), createdAt }, this.#fleet.processes())
    }
    this.#absent.add(back)
    if (gapMs === 0 || this.#isCalm) return back()
    this.#manifests.apply(name, undefined, this.#fleet.processes())
    scheduler.after(gapMs, back)
  }
}
