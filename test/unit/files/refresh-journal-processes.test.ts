import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openRefreshJournal } from '../../../src/adapters/files/refresh-journal.ts'
import { canary } from '../../support/canary.ts'
import { stateAfter, stateOf } from './journal-script.ts'
import { said } from './said.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const writer = join(import.meta.dirname, 'journal-writer.ts')

interface Life {
  /** Calls that the process has said to have succeeded before it was killed. */
  readonly acknowledged: number
}

/** Starts a process that plays the story on a journal, and kills it in the middle of it. */
async function killedWriter(file: string, token: string, lifetimeMs: number): Promise<Life> {
  const child = spawn(process.execPath, [writer, file, token], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await once(child.stdout, 'data')
  await sleep(lifetimeMs)
  child.kill('SIGKILL')
  await once(child, 'close')
  const lines = said.slice(0, said.lastIndexOf('\n')).split('\n')
  return { acknowledged: Number(lines.at(-1)) }
}

describe('a refresh journal and processes', () => {
  it('loses no acknowledged entry when its process is killed, over a couple of dozen deaths', async () => {
    let total = 0
    for (let round = 0; round < 12; round += 1) {
      const lives = await Promise.all([round * 2, round * 3 + 1].map(liveAndDie))
      total += lives.reduce((sum, acknowledged) => sum + acknowledged)
    }
    expect(total).toBeGreaterThan(200)
  })

  /** Returns how many calls had succeeded by then, after the journal was found to hold what they left. */
  async function liveAndDie(lifetimeMs: number): Promise<number> {
    const token = canary('rt')
    const file = join(await temporaryDirectory(), 'journal')
    const { acknowledged } = await killedWriter(file, token, lifetimeMs)
    const opened = await openRefreshJournal({ file, durability: 'process' })
    if (!opened.ok) throw new Error(opened.failure.message)
    const possible = [stateAfter(acknowledged, token), stateAfter(acknowledged + 1, token)]
    expect(possible).toContainEqual(stateOf(opened.value))
    await opened.value.close()
    return acknowledged
  }

  it('is open in one process at a time, and says in which', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const child = spawn(process.execPath, [writer, file, 'x'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    expect(await said(openRefreshJournal({ file, durability: 'disk' }))).toContain(
      `JOURNAL_UNAVAILABLE: The refresh journal ${file} is used by another process (pid ${child.pid}).`,
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    const mine = await openRefreshJournal({ file, durability: 'disk' })
    expect(await said(openRefreshJournal({ file, durability: 'disk' }))).toContain('is used by this process.')
    if (mine.ok) await mine.value.close()
    const next = await openRefreshJournal({ file, durability: 'disk' })
    expect(next.ok).toBe(true)
    if (next.ok) await next.value.close()
  })
})
