import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { runHelm } from './helm.ts'
import { serverPath } from './server-source.ts'

// The chart's own tests, as whoever changes it runs them, and that they are no part of what is installed.

const chart = fileURLToPath(new URL('../../deploy/helm/oauth-credential-operator', import.meta.url))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'helm-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** What `helm plugin install` leaves behind. */
function installPlugin(): void {
  const directory = join(home, 'data', 'plugins', 'unittest')
  mkdirSync(directory, { recursive: true })
  symlinkSync(serverPath('helm-unittest'), join(directory, 'untt'))
  const plugin = { name: 'unittest', version: '1.0.0', usage: 'unit tests', command: '$HELM_PLUGIN_DIR/untt' }
  writeFileSync(join(directory, 'plugin.yaml'), stringify({ ...plugin, description: plugin.usage, ignoreFlags: false }))
}

test('helm unittest finds the chart as its tests say', async () => {
  installPlugin()
  const printed = await runHelm(home, ['unittest', chart]).catch((error: unknown) => {
    throw new Error((error as { readonly stdout?: string }).stdout, { cause: error })
  })
  const figures = printed.split('\n').filter((line) => /^(Charts|Test Suites|Tests):/.test(line))
  console.log(figures.join('\n'))
  const [, passed, all] = /^Tests: +(\d+) passed, (\d+) total$/m.exec(printed) ?? []
  expect(Number(passed)).toBeGreaterThanOrEqual(40)
  expect(passed).toBe(all)
})

test('the package has templates and no tests of them', async () => {
  const packed = await runHelm(home, ['package', chart, '--destination', home])
  const [archive = ''] = /\/\S+\.tgz/.exec(packed) ?? []
  const { stdout } = await promisify(execFile)('tar', ['-tzf', archive])
  const names = stdout.trim().split('\n')
  expect(names).toContain('oauth-credential-operator/templates/tests/ready.yaml')
  expect(names.filter((name) => name.endsWith('_test.yaml'))).toEqual([])
})
