import type { Clock } from '../../ports/clock.ts'

/** Resolves `delayMs` from now, or at once when `signal` is or gets aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wakeAt = clock.monotonicMs() + delayMs
    let cancel = (): void => {}
    const end = (): void => {
      signal?.removeEventListener('abort', end)
      cancel()
      resolve()
    }
    const wake = (): void => {
      // The platform may wake early, see Clock.wakeAfter.
      const left = wakeAt - clock.monotonicMs()
      if (left > 0) cancel = clock.wakeAfter(left, wake)
      else end()
    }
    if (signal?.aborted === true) return resolve()
    signal?.addEventListener('abort', end, { once: true })
    cancel = clock.wakeAfter(delayMs, wake)
  })
}
