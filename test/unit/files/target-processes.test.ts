import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { DirectorySink } from '../../../src/adapters/files/directory-sink.ts'
import { claudeTarget, clock, contentOf, publicationOf } from './target-publications.ts'
import { temporaryDirectoryInMemory } from './temporary-directory.ts'

const publisher = join(import.meta.dirname, 'target-publisher.ts')

/** A process that publishes, and how many publications it has told of. */
async function publishing(directory: string, limit?: number): Promise<{ child: ChildProcess; told: () => number }> {
  const args = limit === undefined ? [] : [String(limit)]
  const child = spawn(process.execPath, [publisher, directory, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await once(child.stdout, 'data')
  return { child, told: () => Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1)) }
}

describe('a target directory and processes', () => {
  it('gives a reader whole files of ever newer publications, and never none, over 600 of them', async () => {
    const directory = await temporaryDirectoryInMemory()
    const target = join(directory, 'ci', 'claude-token')
    const { child, told } = await publishing(directory, 600)
    const ended = once(child, 'close')
    const seen = new Set<number>()
    let newest = 0
    for (let reads = 1; child.exitCode === null; reads += 1) {
      const text = readFileSync(join(target, 'a'), 'utf8')
      const count = Number.parseInt(text, 10)
      expect(text === contentOf(count) && count >= newest).toBe(true)
      newest = count
      seen.add(count)
      // Lets the end of the process be noticed.
      if (reads % 50 === 0) await sleep(0)
    }
    await ended
    expect(child.exitCode).toBe(0)
    expect(told()).toBe(600)
    expect(seen.size).toBeGreaterThan(20)
  })

  it('holds one whole publication when its writer is killed, and the next one clears up', async () => {
    for (let round = 0; round < 6; round += 1) await Promise.all([liveAndDie(round), liveAndDie(round * 2 + 1)])
  })

  async function liveAndDie(lifetimeMs: number): Promise<void> {
    const directory = await temporaryDirectoryInMemory()
    const target = join(directory, 'ci', 'claude-token')
    const { child, told } = await publishing(directory)
    await sleep(lifetimeMs)
    child.kill('SIGKILL')
    await once(child, 'close')

    const current = join(target, readlinkSync(join(target, '..data')))
    const [a, b] = ['a', 'b'].map((key) => readFileSync(join(current, key), 'utf8'))
    expect(a).toBe(b)
    expect([contentOf(told()), contentOf(told() + 1)]).toContain(a)

    const sink = new DirectorySink({ directory, clock, graceMs: 1 })
    expect((await sink.publish(publicationOf(1_000_000))).ok).toBe(true)
    await vi.waitFor(() => expect(readdirSync(target)).toHaveLength(4))
    expect(readdirSync(target).filter((name) => !name.startsWith('..'))).toEqual(['a', 'b'])
    expect((await sink.remove(claudeTarget)).ok).toBe(true)
    expect(readdirSync(directory)).toEqual([])
  }
})
