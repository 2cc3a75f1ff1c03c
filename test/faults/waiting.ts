import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again and again. @returns false when it did not become true in time. */
export async function becomes(holds: () => Promise<boolean> | boolean, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  for (;;) {
    if (await holds()) return true
    if (performance.now() > deadline) return false
    await sleep(100)
  }
}
