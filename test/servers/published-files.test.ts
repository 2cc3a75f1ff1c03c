import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { DirectorySink } from '../../src/adapters/files/directory-sink.ts'
import { clock, publicationOf } from '../unit/files/target-publications.ts'

const swaps = 10_000
const reader = join(import.meta.dirname, 'file-reader.ts')

interface Seen {
  readonly reads: number
  readonly publications: number
}

/** A process that reads a file until it has seen the last publication. Resolves once it reads, with what it will have seen. */
async function reading(file: string): Promise<{ readonly seen: Promise<Seen> }> {
  const child = spawn(process.execPath, [reader, file, String(swaps)], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const seen = once(child, 'close').then(([code]) => {
    expect(code, 'the reader met something that is no whole publication').toBe(0)
    return JSON.parse(lines.at(-1) ?? '') as Seen
  })
  await Promise.race([once(output, 'line'), seen])
  return { seen }
}

test(`a reader in a tight loop sees whole publications alone, and always one, through ${swaps} swaps`, async () => {
  const directory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'published-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const sink = new DirectorySink({ directory, clock })
  expect((await sink.publish(publicationOf(1))).ok).toBe(true)
  const { seen } = await reading(join(directory, 'ci', 'claude-token', 'a'))
  const startedMs = performance.now()
  for (let count = 2; count <= swaps; count += 1) {
    const published = await sink.publish(publicationOf(count))
    if (!published.ok) throw new Error(published.failure.message)
  }
  const took = ((performance.now() - startedMs) / 1000).toFixed(1)
  const { reads, publications } = await seen
  console.log(`${reads} reads of ${publications} publications in ${swaps} swaps, ${took} s`)
  expect(publications).toBeGreaterThan(swaps / 100)
  expect(reads).toBeGreaterThan(swaps)
})
