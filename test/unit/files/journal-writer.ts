import { writeSync } from 'node:fs'
import { openRefreshJournal } from '../../../src/adapters/files/refresh-journal.ts'
import { play } from './journal-script.ts'

// A process to be killed: plays the story and says after each call how many have succeeded.
const [, , file = '', token = ''] = process.argv
const opened = await openRefreshJournal({ file, durability: 'process', compactAboveBytes: 2500, reserveBytes: 0 })
if (!opened.ok) throw new Error(opened.failure.message)
for (let step = 0; step < 1_000_000; step += 1) {
  const result = await play(opened.value, step, token)
  if (!result.ok) throw new Error(result.failure.message)
  writeSync(1, `${step + 1}\n`)
}
