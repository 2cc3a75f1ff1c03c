import { randomBytes } from 'node:crypto'

/** What a fixture stands for; only tells a reader of a failed scan which kind of secret leaked. */
export type CanaryKind = 'rt' | 'at' | 'secret'

const prefix = 'canary-'
const issued = new Set<string>()
const outputs: { source: string; text: string }[] = []

/** A recognisable secret for a test. Every output that is observed is searched for it, in all its usual encodings. */
export function canary(kind: CanaryKind): string {
  const value = `${prefix}${kind}-${randomBytes(18).toString('base64url')}`
  issued.add(value)
  return value
}

/** Makes a secret that somebody else issued (a real authorization server) part of the scan. */
export function watchForLeak(secret: string): string {
  issued.add(secret)
  return secret
}

/** Hands over something that a person or a machine outside could read: a log line, a status, an event, /metrics. */
export function observeOutput(source: string, text: string): void {
  outputs.push({ source, text })
}

/** Searches everything observed since the last call; throws with the place, never with the secret. */
export function assertNoLeak(): void {
  const seen = outputs.splice(0)
  // Ours begin alike in every encoding, so that few texts have to be searched for each of them.
  const suspicious = seen.filter(({ text }) => marks.some((mark) => text.includes(mark)))
  for (const secret of issued) {
    const searched = secret.startsWith(prefix) ? suspicious : seen
    if (searched.length === 0) continue
    for (const needle of encodings(secret)) {
      const leak = searched.find(({ text }) => text.includes(needle))
      if (leak !== undefined) throw new Error(`a secret (${kindOf(secret)}) leaked into ${leak.source}`)
    }
  }
}

const marks: readonly string[] = encodings(prefix)

/** Forgets the secrets of a finished test file, so that the scan stays fast. */
export function forgetCanaries(): void {
  issued.clear()
}

function kindOf(secret: string): string {
  return secret.startsWith(prefix) ? secret.slice(0, prefix.length + 2) : 'issued by a server'
}

function encodings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [secret, encodeURIComponent(secret), bytes.toString('hex'), ...base64At(bytes)]
}

/** Base64 of the secret at each of the three alignments it can have inside a longer text, without the ends that depend on what stands beside it. */
function base64At(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    return text.slice(offset === 0 ? 0 : offset + 1, -2)
  })
}
