import type { KubeError } from './kube-client.ts'
import { announcedWaitMs } from './kube-answer.ts'

const maxRepeats = 3
const maxWaitMs = 30_000

/** How often and how long one call has waited because the API server asked it to. */
export class CallWait {
  #repeats = 0
  #waitedMs = 0

  /**
   * Milliseconds to wait before the call is repeated; undefined when it is given back to the caller:
   * the server asked for no wait, or for more than is left of three repeats and 30 s.
   */
  next(error: KubeError, random: () => number): number | undefined {
    const announced = announcedWaitMs(error)
    if (announced === undefined || this.#repeats >= maxRepeats || this.#waitedMs + announced > maxWaitMs)
      return undefined
    this.#repeats += 1
    this.#waitedMs += announced
    // Spread, so that the calls that were turned away together do not come back together.
    return announced + random() * Math.max(100, announced * 0.25)
  }
}
