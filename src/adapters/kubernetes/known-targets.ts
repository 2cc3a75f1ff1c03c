import type { TargetIdentity } from '../../ports/access-token-sink.ts'
import type { KnownTarget } from './target-look.ts'

/** Targets that are remembered; each forgotten one costs a read. */
const rememberedTargets = 100_000

/** In which state a target was last seen or written, by credential and policy; `absent` as seen, until the first write. */
export class KnownTargets {
  readonly #known = new Map<string, KnownTarget | 'absent'>()

  get(identity: TargetIdentity): KnownTarget | 'absent' | undefined {
    return this.#known.get(memoryKey(identity))
  }

  remember(identity: TargetIdentity, known: KnownTarget | 'absent'): void {
    this.#known.set(memoryKey(identity), known)
    if (this.#known.size <= rememberedTargets) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }

  forget(identity: TargetIdentity): void {
    this.#known.delete(memoryKey(identity))
  }
}

/** One text, where a template would keep its parts: it is kept for each credential. */
function memoryKey({ credential, name, credentialUid, creationPolicy, type = 'Opaque' }: TargetIdentity): string {
  return [credential.namespace, name, credentialUid, creationPolicy, type].join('/')
}
