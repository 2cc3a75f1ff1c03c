import { setImmediate } from 'node:timers/promises'

/** Characters. As much as is rendered in less than a millisecond; smaller parts cost more of the connection than of themselves. */
const fullPart = 16_384

/** Gathers texts until they are worth sending, and gives other work of the process a turn before each part. */
export async function* inParts(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let part = ''
  for await (const text of texts) {
    part += text
    if (part.length < fullPart) continue
    await setImmediate()
    yield part
    part = ''
  }
  if (part !== '') yield part
}
