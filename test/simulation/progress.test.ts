import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Crew } from './crew.ts'
import { earlierProgress, engineDigest, keepProgress } from './progress.ts'
import { emptyTally } from './tally.ts'

function aFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'seeds-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'progress.json')
}

it('a long run goes on where it stopped', () => {
  const file = aFile()
  const played = { engine: engineDigest(), next: 4711, tally: { ...emptyTally(), seeds: 100 } }
  keepProgress(file, played)
  expect(earlierProgress(file, 1)).toEqual(played)
})

it('seeds that were played on another engine are not counted, and not played again', () => {
  const file = aFile()
  keepProgress(file, { engine: 'another one', next: 4711, tally: { ...emptyTally(), seeds: 100 } })
  expect(earlierProgress(file, 1)).toEqual({ engine: engineDigest(), next: 4711, tally: emptyTally() })
})

it('nothing was played without a file', () => {
  const none = { engine: engineDigest(), next: 7, tally: emptyTally() }
  expect([earlierProgress(undefined, 7), earlierProgress(aFile(), 7)]).toEqual([none, none])
})

it('one seed in eight is one in eight', async () => {
  const crew = new Crew(1)
  onTestFinished(() => crew.end())
  const seeds: number[] = []
  await crew.play([{ from: 1, until: 25, step: 8 }], (tally) => seeds.push(tally.seeds) > 0)
  expect(seeds).toEqual([3])
})
