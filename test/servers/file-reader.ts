import { readFileSync, writeSync } from 'node:fs'
import { contentOf } from '../unit/files/target-publications.ts'

// A program that reads its token file as often as it can, until it has read the last publication. It says when it has
// read the first time, and at the end what it saw. Whatever is not one whole publication ends it with an error.
const [, , file = '', last = ''] = process.argv
const whole = new Map<number, string>()
let reads = 0
let newest = 0

while (newest < Number(last)) {
  const text = readFileSync(file, 'utf8')
  const count = Number.parseInt(text, 10)
  if (text !== expected(count)) throw new Error(`read ${reads} brought no whole publication`)
  if (count < newest) throw new Error(`read ${reads} brought publication ${count} after ${newest}`)
  newest = count
  reads += 1
  if (reads === 1) writeSync(1, '{"reading":true}\n')
}
writeSync(1, `${JSON.stringify({ reads, publications: whole.size })}\n`)

/** Made once for each publication, so that the time goes into reading. */
function expected(count: number): string {
  const known = whole.get(count)
  if (known !== undefined) return known
  const made = contentOf(count)
  whole.set(count, made)
  return made
}
