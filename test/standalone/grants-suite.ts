import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canary } from '../support/canary.ts'
import { manifestText, StandaloneBench, until } from './standalone-bench.ts'

/** Access tokens without a login. */
export function grantSuite(): void {
  describe.concurrent('standalone mode without a refresh token', () => {
    it('keeps the token of a client fresh that asks for itself', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 3, credentials: [] })
      onTestFinished(() => bench.close())
      const target = { name: 'reports-token', outputs: [{ format: 'raw' }, { format: 'oauth2-json' }] }
      const spec = { grant: 'ClientCredentials', providerRef: { name: 'server' }, target }
      bench.manifest('reports', manifestText('OAuthCredential', 'reports', spec))
      const { process } = bench.run()
      await bench.refreshed(['reports'], 3)
      expect(await bench.condition('reports', 'Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
      expect(await bench.condition('reports', 'RefreshTokenPersisted')).toBeUndefined()
      expect(await process.stop()).toEqual({ code: 0, signal: null })
      expect(bench.accessToken('reports')).toMatch(/^\S{20,}$/)
      expect(bench.server.statistics.refusals).toBe(0)
      expect((await bench.state('reports')).refreshes).toBe(bench.server.statistics.refreshes)
      expect(readdirSync(join(bench.directory, 'refresh-tokens'))).toEqual([])
    })

    it('publishes a token as it is in a file, and follows the file', async ({ onTestFinished }) => {
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: [] })
      onTestFinished(() => bench.close())
      const [first, next] = [canary('at'), canary('at')]
      const document = bench.document('setup')
      writeFileSync(document, first)
      const accessToken = { storeRef: { name: 'files' }, key: 'setup.json' }
      const spec = { grant: 'StaticToken', accessToken, target: { name: 'setup-token' } }
      bench.manifest('setup', manifestText('OAuthCredential', 'setup', spec))
      const { process } = bench.run()
      await until(() => expect(bench.accessToken('setup')).toBe(first))
      writeFileSync(document, JSON.stringify({ access_token: next, expires_at: '2100-01-01T00:00:00Z' }))
      await until(() => expect(bench.accessToken('setup')).toBe(next), 30_000)
      await until(async () => expect((await bench.state('setup')).accessTokenExpiresAt).toBe(4_102_444_800))
      expect(await process.stop()).toEqual({ code: 0, signal: null })
      expect(bench.server.statistics).toMatchObject({ refreshes: 0, refusals: 0 })
    }, 60_000)
  })
}
