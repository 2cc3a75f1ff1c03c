import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { observeOutput, watchForLeak } from '../support/canary.ts'
import { expectMountedLayout } from './mounted-layout.ts'
import { until } from './standalone-bench.ts'

const demo = fileURLToPath(new URL('../../scripts/demo/demo.ts', import.meta.url))

/** The demo, as a user runs it. */
export function demoSuite(): void {
  describe.concurrent('npm run demo', () => {
    it('shows credentials that stay fresh, and checks it', async ({ onTestFinished }) => {
      const output = temporaryDirectory()
      onTestFinished(() => rmSync(output, { recursive: true }))
      const run = runDemo('--for', '12s', '--token-lifetime', '5s', '--output', output)
      const spying = setInterval(() => watchTokens(output), 200)
      const code = await run.ended
      clearInterval(spying)
      watchTokens(output)
      expect(run.text()).toMatch(/\nDemo OK: 12 s, \d+ refreshes, .* 0 refresh tokens used twice, .*\n$/)
      expect(code).toBe(0)
      for (const [name, file] of Object.entries({ agent: '.credentials.json', app: 'access_token' })) {
        const line = `^\\d\\d:\\d\\d:\\d\\dZ  ${name} +refreshed #\\d+, refresh token rotated, next refresh in \\ds, ${output}.*/${file}$`
        expect(run.text().match(new RegExp(line, 'gm'))?.length).toBeGreaterThanOrEqual(3)
      }
      expectMountedLayout(join(output, 'default', 'agent-token'), ['.credentials.json', 'claude-oauth-token.json'])
      expectMountedLayout(join(output, 'default', 'app-token'), ['access_token', '.env', 'authorization', 'token.json'])
    }, 30_000)

    it('ends cleanly at one Ctrl-C, also when npm makes two of it', async () => {
      const run = runDemo()
      await until(() => expect(run.text()).toMatch(/app +refreshed #1/))
      run.process.kill('SIGINT')
      run.process.kill('SIGINT')
      expect(await run.ended).toBe(0)
      expect(run.text()).toMatch(/\nDemo OK: .*\n$/)
      expect(() => readdirSync(directoryOf(run))).toThrow('ENOENT')
    })

    it('ends cleanly when it has hardly begun', async () => {
      const run = runDemo()
      await until(() => expect(run.text()).toContain('To try'))
      run.process.kill('SIGINT')
      expect(await run.ended).toBe(0)
      expect(run.text()).toMatch(/\nDemo OK: \d s, .*\n$/)
    })

    it('ends cleanly when nobody reads its output any more', async () => {
      const run = runDemo('--token-lifetime', '4s')
      await until(() => expect(run.text()).toMatch(/app +refreshed #1/))
      run.process.stdout?.destroy()
      expect(await run.ended).toBe(0)
      expect(() => readdirSync(directoryOf(run))).toThrow('ENOENT')
    }, 30_000)

    it('fails when what it shows is not so', async ({ onTestFinished }) => {
      const output = temporaryDirectory()
      onTestFinished(() => rmSync(output, { recursive: true }))
      const run = runDemo('--for', '6s', '--output', output)
      await until(() => expect(run.text()).toMatch(/app +refreshed #1/))
      writeFileSync(join(output, 'refresh-tokens', 'app.json'), '{"refresh_token":"a mistake"}')
      expect(await run.ended).toBe(1)
      expect(run.text()).toMatch(/\nDemo FAILED: .*app\.json does not hold the newest refresh token.*\n$/)
      expect(run.text()).toMatch(/app\.json has other fields at .*\/note/)
    })

    it('leaves a directory alone that holds something else', async ({ onTestFinished }) => {
      const output = temporaryDirectory()
      onTestFinished(() => rmSync(output, { recursive: true }))
      writeFileSync(join(output, 'notes.txt'), 'mine')
      const run = runDemo('--output', output)
      expect(await run.ended).toBe(1)
      expect(run.text()).toContain(`${output} holds something else`)
      expect(readdirSync(output)).toEqual(['notes.txt'])
    })
  })
}

function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'demo-test-'))
}

interface DemoRun {
  readonly process: ReturnType<typeof spawn>
  readonly ended: Promise<number | null>
  readonly text: () => string
}

/** The directory that a demo without --output made for itself. */
function directoryOf(run: DemoRun): string {
  const [, directory = ''] = /Refresh tokens +(\S+)\/refresh-tokens/.exec(run.text()) ?? []
  expect(directory).toContain(tmpdir())
  return directory
}

function runDemo(...arguments_: readonly string[]): DemoRun {
  const child = spawn(process.execPath, [demo, ...arguments_], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      observeOutput('the demo', text)
      resolve(code)
    })
  })
  return { process: child, ended, text: () => text }
}

/** Every token that the demo's files hold at the moment becomes part of the leak scan. */
function watchTokens(output: string): void {
  const files = ['refresh-tokens/agent.json', 'refresh-tokens/app.json', 'default/app-token/token.json']
  for (const file of files) {
    for (const [, token = ''] of textOf(join(output, file)).matchAll(
      /"(?:access|refresh)_?[tT]oken": ?"([\w-]{20,})"/g,
    )) {
      watchForLeak(token)
    }
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
