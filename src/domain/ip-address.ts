/** The bytes of an IP address, most significant first: 4 of them or 16. */
export type IpBytes = readonly number[]

/**
 * Reads an address as a resolver or a URL parser writes it. Anything else yields undefined, the
 * spellings included that only some readers take for an address (`127.1`, `0x7f.1`, `010.0.0.1`).
 */
export function parseIpAddress(text: string): IpBytes | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** True when the first `bits` bits of both are the same. */
export function sharesPrefix(address: IpBytes, prefix: IpBytes, bits: number): boolean {
  if (address.length !== prefix.length) return false
  return address.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8))
    const ignored = 8 - kept
    return byte >> ignored === (prefix[index] ?? 0) >> ignored
  })
}

function parseIpv4(text: string): IpBytes | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(isOctet)) return undefined
  return parts.map(Number)
}

/** Decimal 0–255 without a leading zero, which some readers take for octal. */
function isOctet(text: string): boolean {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255
}

/** RFC 4291 §2.2: eight groups, `::` once for a run of zeros, the last two groups as IPv4 if need be. */
function parseIpv6(text: string): IpBytes | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupBytes(halves[0] ?? '', halves.length === 1)
  const tail = groupBytes(halves[1] ?? '', true)
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1) return missing === 0 ? head : undefined
  return missing >= 2 ? [...head, ...Array.from({ length: missing }, () => 0), ...tail] : undefined
}

function groupBytes(text: string, mayEndInIpv4: boolean): IpBytes | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    const last = index === groups.length - 1
    const read = group.includes('.') && last && mayEndInIpv4 ? parseIpv4(group) : hexGroup(group)
    if (read === undefined) return undefined
    bytes.push(...read)
  }
  return bytes
}

function hexGroup(text: string): IpBytes | undefined {
  if (!/^[0-9a-f]{1,4}$/i.test(text)) return undefined
  const value = Number.parseInt(text, 16)
  return [value >> 8, value & 0xff]
}
