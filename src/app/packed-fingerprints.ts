/** Of a fingerprint, which is 128 bits in hexadecimal digits. */
const digits = 32
const unitsEach = digits / 2
/** Behind it stands a list that cannot be packed. No packed text has so high a unit. */
const plainMark = '\uFFFF'

/** One text of a character for each eight bits: a sixth of what a list of texts takes. */
export function packFingerprints(fingerprints: readonly string[]): string {
  const units: number[] = []
  for (const fingerprint of fingerprints) {
    if (fingerprint.length !== digits) return plain(fingerprints)
    for (let at = 0; at < digits; at += 2) {
      const unit = (valueOf(fingerprint.charCodeAt(at)) << 4) | valueOf(fingerprint.charCodeAt(at + 1))
      if (unit < 0) return plain(fingerprints)
      units.push(unit)
    }
  }
  return String.fromCharCode(...units)
}

/** What was packed. */
export function unpackFingerprints(packed: string): readonly string[] {
  if (packed.startsWith(plainMark)) return JSON.parse(packed.slice(1)) as readonly string[]
  const units: number[] = []
  for (let at = 0; at < packed.length; at += 1) {
    const unit = packed.charCodeAt(at)
    units.push(digitOf(unit >> 4), digitOf(unit & 15))
  }
  const text = String.fromCharCode(...units)
  return Array.from({ length: packed.length / unitsEach }, (_, index) =>
    text.slice(index * digits, (index + 1) * digits),
  )
}

function plain(fingerprints: readonly string[]): string {
  return `${plainMark}${JSON.stringify(fingerprints)}`
}

/** Negative for what is no lower-case hexadecimal digit. */
function valueOf(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30
  return unit >= 0x61 && unit <= 0x66 ? unit - 0x57 : -1
}

function digitOf(value: number): number {
  return value < 10 ? value + 0x30 : value + 0x57
}
