import { writeSync } from 'node:fs'
import { DirectorySink } from '../../../src/adapters/files/directory-sink.ts'
import { clock, publicationOf } from './target-publications.ts'

// A process to be killed, or to be read behind: publishes, and says after each how many there were.
const [, , directory = '', limit = '1000000'] = process.argv
const sink = new DirectorySink({ directory, clock })
for (let count = 1; count <= Number(limit); count += 1) {
  const result = await sink.publish(publicationOf(count))
  if (!result.ok) throw new Error(result.failure.message)
  writeSync(1, `${count}\n`)
}
