import { keyText } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import { settleNamesake } from '../domain/namesake.ts'
import { bugFields } from './bug-fields.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import type { IndexedCredential } from './indexed-credential.ts'
import { reconcileInvalid } from './reconcile.ts'
import { record } from './record.ts'

/** Tells objects that wait for another one of their name why they do. Lives as long as an engine. */
export class Namesakes {
  /** By name: what was told to the one that waits now. */
  readonly #told = new Map<string, CredentialMemory>()

  /**
   * Tells it in status and events, once for one problem. One that is invalid is told that instead, which nobody else will
   * mend. `predecessor` is the state of the other one. A bug here is logged, and keeps nobody from that one's end.
   */
  async tell(waiting: IndexedCredential, predecessor: CredentialState, deps: Deps): Promise<void> {
    const { key, uid } = waiting.credential
    const text = keyText(key)
    const told = this.#told.get(text)
    try {
      const memory = await this.#tell(waiting, told?.uid === uid ? told : undefined, predecessor, deps)
      if (memory !== undefined) this.#told.set(text, memory)
    } catch (bug) {
      deps.metrics.reconcilePanicked()
      deps.logger.error(
        { credential: text, uid, ...bugFields(bug) },
        'a bug: what this credential waits for is not told',
      )
    }
  }

  async #tell(
    waiting: IndexedCredential,
    memory: CredentialMemory | undefined,
    predecessor: CredentialState,
    deps: Deps,
  ): Promise<CredentialMemory | undefined> {
    if (waiting.type === 'invalid-credential') {
      const ended = await reconcileInvalid(waiting.credential, memory, deps)
      return typeof ended === 'string' ? undefined : ended.memory
    }
    const { key, uid, generation, state } = waiting.credential
    const before = memory?.state ?? state
    const step = settleNamesake({ key, state: before }, predecessor)
    if (step === undefined) return undefined
    return (await record({ key, uid, generation, before, ...(memory && { memory }) }, step, deps)).memory
  }

  /** Nobody waits for the name any more. */
  forget(text: string): void {
    this.#told.delete(text)
  }
}
