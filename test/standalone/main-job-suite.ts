import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { observeOutput } from '../support/canary.ts'
import { expectMountedLayout } from './mounted-layout.ts'
import { freePort, StandaloneBench, until } from './standalone-bench.ts'

const names = ['agent', 'app']

/** What standalone mode is for. */
export function mainJobSuite(): void {
  describe.concurrent('standalone mode against a server whose refresh tokens are good for one use', () => {
    it('keeps access tokens fresh, refresh tokens safe, and everything else as it was', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 3, credentials: names })
      onTestFinished(() => bench.close())
      const { process } = bench.run()
      await bench.refreshed(names, 3)
      expect(await process.stop()).toEqual({ code: 0, signal: null })
      for (const name of names) {
        await bench.expectWell(name)
        expectMountedLayout(bench.target(name), ['access_token', 'token.json'])
        expect(statSync(bench.document(name)).mode & 0o777).toBe(0o640)
      }
      const reported = await Promise.all(names.map(async (name) => (await bench.state(name)).refreshes))
      expect(reported.reduce((sum, count) => sum + count)).toBe(bench.server.statistics.refreshes)
    })

    it('refreshes nothing because it was restarted', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: names })
      onTestFinished(() => bench.close())
      const first = bench.run()
      await bench.refreshed(names, 1)
      const before = names.map((name) => bench.accessToken(name))
      expect(await first.process.stop()).toEqual({ code: 0, signal: null })
      const second = bench.run()
      await until(() => expect(second.lines.join()).toContain('standalone'))
      await sleep(1500)
      expect(bench.server.statistics.refreshes).toBe(names.length)
      expect(names.map((name) => bench.accessToken(name))).toEqual(before)
      await second.process.stop()
      for (const name of names) await bench.expectWell(name)
    })

    it('shows on /metrics that every credential is ready, and answers probes', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: names })
      onTestFinished(() => bench.close())
      const address = `127.0.0.1:${await freePort()}`
      bench.run('--metrics-address', address)
      await bench.refreshed(names, 1)
      const metrics = await textAt(`http://${address}/metrics`)
      observeOutput('/metrics', metrics)
      for (const name of names) {
        expect(metrics).toMatch(new RegExp(`^oauthcredential_ready\\{[^}]*name="${name}"[^}]*\\} 1$`, 'm'))
      }
      expect((await fetch(`http://${address}/healthz`)).status).toBe(200)
      expect((await fetch(`http://${address}/readyz`)).status).toBe(200)
    })

    it('lets no second process work on the same output', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      bench.run()
      await bench.refreshed(['agent'], 1)
      const second = bench.run()
      expect(await second.process.ended).toEqual({ code: 1, signal: null })
      expect(second.lines.join()).toMatch(/journal .* is used by another process \(pid \d+\)/)
      expect(bench.server.statistics.refreshes).toBe(1)
    })
  })
}

async function textAt(url: string): Promise<string> {
  return (await fetch(url)).text()
}
