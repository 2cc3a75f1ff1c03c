/** At least 0 and below 1. For jitter, not for secrets. */
export function systemRandom(): number {
  return Math.random()
}
