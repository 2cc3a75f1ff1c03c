/**
 * A number in [0, 1) that depends only on its inputs: jitter that a restart does not re-roll.
 * Re-rolling at each look could postpone a refresh for ever, or bunch thousands after a restart.
 * FNV-1a with a final avalanche, 32 bit.
 */
export function stableFraction(text: string, counter: number): number {
  return hashOf(`${text}#${counter}`) / 0x1_0000_0000
}

/** Eight hexadecimal digits that depend only on the text. Tells texts apart; keeps nothing secret. */
export function stableHash(text: string): string {
  return hashOf(text).toString(16).padStart(8, '0')
}

function hashOf(input: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < input.length; index += 1) {
    hash = Math.imul(hash ^ input.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
