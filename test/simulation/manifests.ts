import { type Credential, keyText } from '../../src/domain/credential.ts'
import { noState } from '../../src/domain/credential-state.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { TokenStore } from '../../src/domain/token-store.ts'
import type { Models } from './models.ts'
import type { Process } from './process.ts'

/** The manifests in the API server, and how processes come to know them: by watches that lag. */
export class Manifests {
  readonly providers = new Map<string, Provider>()
  readonly store: TokenStore
  readonly credentials = new Map<string, Credential>()
  /** False while somebody has deleted the object of the store. */
  #hasStore = true
  /** True while watches may tell statuses that are some writes old. */
  lagging = true
  readonly #models: Models

  constructor(models: Models, store: TokenStore) {
    this.#models = models
    this.store = store
  }

  /** Tells a process everything, as after a list; statuses may be old. */
  feed(process: Process): void {
    const index = process.operator?.resources
    if (index === undefined) return
    for (const provider of this.providers.values()) index.upserted(provider.kind, { type: 'provider', provider })
    this.#tellStore(process)
    const credentials = [...this.credentials.values()].map((credential) => ({
      type: 'credential' as const,
      credential: { ...credential, state: this.#stateOf(credential) },
    }))
    index.replaced('OAuthCredential', credentials)
  }

  /** A human changes, adds or removes a credential; each process hears of it in its own time. */
  apply(name: string, credential: Credential | undefined, processes: readonly Process[]): void {
    const gone = this.credentials.get(name)
    if (credential === undefined) this.credentials.delete(name)
    else this.credentials.set(name, credential)
    for (const process of processes) {
      const tell = (): void =>
        credential === undefined ? this.#tellGone(process, gone) : this.#tell(process, credential)
      this.#models.scheduler.after(this.#models.random.between(5, 2000), tell, process)
    }
  }

  /** Somebody deletes the object of the store, or creates it again; each process hears of it in its own time. */
  applyStore(isThere: boolean, processes: readonly Process[]): void {
    if (this.#hasStore === isThere) return
    this.#hasStore = isThere
    for (const process of processes) {
      this.#models.scheduler.after(this.#models.random.between(5, 2000), () => this.#tellStore(process), process)
    }
  }

  #tellStore({ operator }: Process): void {
    const { kind, namespace = '', name } = this.store
    if (this.#hasStore) operator?.resources.upserted(kind, { type: 'store', store: this.store })
    else operator?.resources.deleted(kind, namespace, name)
  }

  /** A watch tells in order: nothing of an object comes after its successor, and no spec after a later one. */
  #tell({ operator }: Process, { uid, key }: Credential): void {
    const latest = this.credentials.get(key.name)
    if (latest?.uid !== uid) return
    const credential = { ...latest, state: this.#stateOf(latest) }
    operator?.resources.upserted('OAuthCredential', { type: 'credential', credential })
  }

  #tellGone({ operator }: Process, gone: Credential | undefined): void {
    if (gone === undefined || this.credentials.has(gone.key.name)) return
    operator?.resources.deleted('OAuthCredential', gone.key.namespace, gone.key.name)
  }

  /** A status was written: whoever acts hears of it soon. */
  echo(name: string, processes: readonly Process[]): void {
    const credential = this.credentials.get(name)
    if (credential === undefined) return
    for (const process of processes) {
      if (!process.acting) continue
      const tell = (): void => {
        const state = this.#models.cluster.status(keyText(credential.key)) ?? noState
        const known = this.credentials.get(name)
        if (known === undefined) return
        process.operator?.resources.upserted('OAuthCredential', { type: 'credential', credential: { ...known, state } })
      }
      this.#models.scheduler.after(this.#models.random.between(5, 100), tell, process)
    }
  }

  #stateOf({ key }: Credential): Credential['state'] {
    const { random, cluster } = this.#models
    const lag = this.lagging && random.chance(0.3) ? random.below(4) : 0
    return cluster.status(keyText(key), lag) ?? noState
  }
}
