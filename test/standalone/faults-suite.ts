import { execFile } from 'node:child_process'
import { readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { decodeRecords } from '../../src/adapters/files/journal-record.ts'
import { claimFile } from '../../src/adapters/files/process-claim.ts'
import { observeOutput } from '../support/canary.ts'
import { type Run, StandaloneBench, until } from './standalone-bench.ts'

const cli = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url))
const kills = 5

/** Ends of processes and of logins. */
export function faultSuite(): void {
  describe.concurrent('standalone mode', () => {
    it('loses nothing and spends nothing twice when it is killed again and again', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 2, credentials: ['agent', 'app'] })
      onTestFinished(() => bench.close())
      const places = [join(bench.output, '.state'), join(bench.directory, 'refresh-tokens'), bench.target('agent')]
      for (let kill = 0; kill < kills; kill += 1) {
        const run = bench.run()
        await bench.refreshed(['agent', 'app'], 1)
        await killAtChange(run, places[kill % places.length] ?? '', bench)
      }
      const { refreshes } = bench.server.statistics
      const last = bench.run()
      await until(() => expect(bench.server.statistics.refreshes).toBeGreaterThanOrEqual(refreshes + 4))
      expect(await last.process.stop()).toEqual({ code: 0, signal: null })
      for (const name of ['agent', 'app']) await bench.expectWell(name)
      expect(bench.server.statistics.refusals).toBe(0)
    }, 30_000)

    it('brings a refresh token home that only the journal had when it was killed', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      const claims: ReturnType<typeof claimFile>[] = []
      bench.relay.beforeAnswer = async () => void claims.push(claimFile(bench.document('agent')))
      const first = bench.run()
      await until(async () =>
        expect(await bench.condition('agent', 'RefreshTokenPersisted')).toMatchObject({ status: 'False' }),
      )
      first.process.kill()
      await first.process.ended
      expect(claims).toMatchObject([{ kind: 'held' }])
      for (const claimed of claims) if (claimed.kind === 'held') claimed.claim.release()
      const second = bench.run()
      await until(async () => expect(await bench.holdsNewest('agent')).toBe(true))
      await until(async () =>
        expect(await bench.condition('agent', 'RefreshTokenPersisted')).toMatchObject({ status: 'True' }),
      )
      await second.process.stop()
      await bench.expectWell('agent')
      expect(bench.server.statistics.refreshes).toBe(1)
    }, 30_000)

    it('goes on after it was killed before its request had arrived', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      const first = bench.run()
      const arrived = new Promise<void>((resolve) => {
        bench.relay.beforeRequest = async () => {
          resolve()
          await first.process.ended
        }
      })
      await arrived
      first.process.kill()
      await first.process.ended
      bench.relay.beforeRequest = async () => undefined
      const second = bench.run()
      await bench.refreshed(['agent'], 1)
      await second.process.stop()
      await bench.expectWell('agent')
    }, 30_000)

    it('takes the answer that is on its way when it is told to end, however often', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      const run = bench.run()
      bench.relay.beforeAnswer = async () => {
        for (let times = 0; times < 3; times += 1) {
          run.process.signal('SIGTERM')
          await sleep(600)
        }
      }
      expect(await run.process.ended).toEqual({ code: 0, signal: null })
      await bench.expectWell('agent')
      expect(bench.server.statistics.refreshes).toBe(1)
    })

    it('ends at once when somebody insists at the terminal', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      const run = bench.run()
      bench.relay.beforeRequest = async () => {
        run.process.signal('SIGINT')
        await sleep(600)
        run.process.signal('SIGINT')
        await run.process.ended
      }
      expect(await run.process.ended).toEqual({ code: 130, signal: null })
      expect(bench.server.statistics.refreshes).toBe(0)
    })

    it('says once that a login is dead and what to do, and resumes when a new one is put there', async ({
      onTestFinished,
    }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent', 'app'] })
      onTestFinished(() => bench.close())
      await bench.server.revoke(await bench.login('agent'))
      const run = bench.run()
      await until(async () => expect(await bench.condition('agent', 'Stalled')).toBeDefined())
      const printed = await status(bench)
      expect(printed).toMatch(/agent +False +ReauthorizationRequired .*[Ll]og in/)
      expect(printed).toMatch(/app +True +TokenValid/)
      await bench.login('agent')
      await bench.refreshed(['agent'], 1)
      expect(await bench.condition('agent', 'Stalled')).toBeUndefined()
      expect(run.lines.filter((line) => line.includes('"event":"ReauthorizationRequired"'))).toHaveLength(1)
      await run.process.stop()
      for (const name of ['agent', 'app']) await bench.expectWell(name)
    }, 40_000)
  })
}

/**
 * Kills a process right after something has changed in a directory. Only not while an answer is on its
 * way: what a server has sent and nobody has read can be lost by every client. So the process is
 * stopped first, and the journal says what it was doing.
 */
async function killAtChange({ process }: Run, directory: string, bench: StandaloneBench): Promise<void> {
  for (;;) {
    await nextChange(directory)
    process.signal('SIGSTOP')
    await sleep(20)
    if (!phases(bench).includes('sent')) break
    process.signal('SIGCONT')
  }
  process.kill()
  await process.ended
}

function nextChange(directory: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory, () => {
      watcher.close()
      resolve()
    })
  })
}

function phases({ output }: StandaloneBench): readonly string[] {
  const content = decodeRecords(readFileSync(join(output, '.state', 'journal')))
  if (content.kind === 'unreadable') throw new Error(`the journal ${content.problem}`)
  return [...new Map(content.records.map(({ record }) => [record.uid, record.phase])).values()]
}

/** What a person sees who asks. */
async function status({ output }: StandaloneBench): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, 'status', '--output', output])
  observeOutput('the status command', stdout)
  return stdout
}
