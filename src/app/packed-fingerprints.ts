/** Of a fingerprint, which is 128 bits in hexadecimal digits. */
const digits = 32
const unitsEach = digits / 2
/** Behind it stands a list that cannot be packed. No packed text has so high a unit. */
const plainMark = '\uFFFF'

/** One text of a character for each eight bits: a sixth of what a list of texts takes. */
export function packFingerprints(fingerprints: readonly string[]): string {
  const packed: string[] = []
  const units: number[] = []
  for (const fingerprint of fingerprints) {
    if (fingerprint.length !== digits || !readUnits(fingerprint, units)) return plain(fingerprints)
    packed.push(String.fromCharCode(...units))
  }
  return packed.join('')
}

/** False when it has anything but lower-case hexadecimal digits. */
function readUnits(fingerprint: string, units: number[]): boolean {
  for (let index = 0; index < unitsEach; index += 1) {
    const unit = (valueOf(fingerprint.charCodeAt(2 * index)) << 4) | valueOf(fingerprint.charCodeAt(2 * index + 1))
    if (unit < 0) return false
    units[index] = unit
  }
  return true
}

/** What was packed. */
export function unpackFingerprints(packed: string): readonly string[] {
  if (packed.startsWith(plainMark)) return JSON.parse(packed.slice(1)) as readonly string[]
  const fingerprints: string[] = []
  const codes: number[] = []
  for (let start = 0; start < packed.length; start += unitsEach) {
    for (let index = 0; index < unitsEach; index += 1) {
      const unit = packed.charCodeAt(start + index)
      codes[2 * index] = digitOf(unit >> 4)
      codes[2 * index + 1] = digitOf(unit & 15)
    }
    fingerprints.push(String.fromCharCode(...codes))
  }
  return fingerprints
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
