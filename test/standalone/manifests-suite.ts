import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { noState } from '../../src/domain/credential-state.ts'
import { credentialManifest, StandaloneBench, until } from './standalone-bench.ts'

/** Changes of manifests. */
export function manifestSuite(): void {
  describe.concurrent('a directory of manifests, while standalone mode runs', () => {
    it('may get a broken file: it is named with the line, and everything else goes on', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 3, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      const run = bench.run()
      await bench.refreshed(['agent'], 1)
      bench.manifest('broken', 'kind: OAuthCredential\nmetadata:\n  name: "unclosed\n')
      await until(() =>
        expect(run.lines.filter((line) => line.includes('"level":"warn"')).join()).toMatch(/broken\.yaml .*line \d+/),
      )
      const { refreshes } = await bench.state('agent')
      await bench.refreshed(['agent'], refreshes + 2)
      await run.process.stop()
      await bench.expectWell('agent')
    })

    it('may get a manifest with a mistake: its status names the field', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      bench.run()
      await bench.refreshed(['agent'], 1)
      bench.manifest('typo', credentialManifest('typo').replace('"providerRef"', '"providerReff"'))
      await until(async () => expect((await bench.condition('typo', 'Stalled'))?.reason).toBe('InvalidSpec'))
      expect((await bench.condition('typo', 'Stalled'))?.message).toContain('providerReff')
      await bench.expectWell('agent')
    })

    it('may lose one: its target and its status go, those of others stay', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent', 'app'] })
      onTestFinished(() => bench.close())
      bench.run()
      await bench.refreshed(['agent', 'app'], 1)
      rmSync(join(bench.manifests, 'app.yaml'))
      await until(() => expect(existsSync(bench.target('app'))).toBe(false))
      await until(async () => expect(await bench.state('app')).toEqual(noState))
      await bench.expectWell('agent')
      expect(existsSync(bench.document('app'))).toBe(true)
    })

    it('may name another target: the former one goes, also when no process ran at the time', async ({
      onTestFinished,
    }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      const before = bench.run()
      await bench.refreshed(['agent'], 1)
      const renamed = credentialManifest('agent').replace('"agent-token"', '"second-token"')
      bench.manifest('agent', renamed)
      await until(() => expect(existsSync(bench.target('agent'))).toBe(false))
      expect(existsSync(join(bench.target('second'), 'access_token'))).toBe(true)
      await before.process.stop()
      bench.manifest('agent', renamed.replace('"second-token"', '"third-token"'))
      bench.run()
      await until(() => expect(existsSync(bench.target('second'))).toBe(false))
      expect(existsSync(join(bench.target('third'), 'access_token'))).toBe(true)
    })

    it('may get a new one: it is worked on', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(() => bench.close())
      bench.run()
      await bench.refreshed(['agent'], 1)
      await bench.login('late')
      bench.manifest('late', credentialManifest('late'))
      await bench.refreshed(['late'], 1)
      await bench.expectWell('late')
    })
  })
}
