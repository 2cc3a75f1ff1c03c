import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { orEnd } from '../../../src/main/cannot-begin.ts'
import { observeOutput } from '../../support/canary.ts'
import { LogLines } from '../../support/memory-ports.ts'

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'begin-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

/** Runs the command until it ends. */
async function ended(args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = spawn(process.execPath, ['src/main/main.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk) => (text += String(chunk)))
  child.stderr.on('data', (chunk) => (text += String(chunk)))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  observeOutput('command', text)
  return { code, text }
}

async function usedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

it('a signal ends a beginning that takes long, and not what has begun', async () => {
  const exits: unknown[] = []
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => void exits.push(code) as never)
  onTestFinished(() => exit.mockRestore())
  const [log, signal, slow] = [new LogLines(), Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const begun = await orEnd(log, signal.promise, () => Promise.resolve('begun'))
  signal.resolve('SIGTERM')
  await signal.promise
  expect([begun, exits]).toEqual(['begun', []])
  const late = orEnd(log, signal.promise, () => slow.promise)
  await vi.waitFor(() => expect(exits).toEqual([0]))
  slow.resolve('late')
  expect(await late).toBe('late')
})

it('an address in use is told by name', async () => {
  const [port, place] = [await usedPort(), directory()]
  const flags = ['--manifests', place, '--output', join(place, 'out'), '--metrics-address', `127.0.0.1:${port}`]
  const { code, text } = await ended(['standalone', ...flags])
  expect(text).toContain(`The address 127.0.0.1:${port} for metrics or probes cannot be listened at: it is in use`)
  expect(text).not.toMatch(/^\s+at /m)
  expect(code).toBe(1)
}, 20_000)

it('a state directory that cannot be made is told by name', async () => {
  const place = directory()
  writeFileSync(join(place, 'file'), '')
  const state = join(place, 'file', 'state')
  const { code, text } = await ended(['standalone', '--manifests', place, '--output', place, '--state', state])
  expect(text).toContain(`Making the state directory ${state} failed`)
  expect(text).not.toMatch(/^\s+at /m)
  expect(code).toBe(1)
}, 20_000)

it('a kubeconfig that is not there is told by name', async () => {
  const kubeconfig = join(directory(), 'none')
  const { code, text } = await ended(['controller', '--kubeconfig', kubeconfig])
  expect(text).toContain(`the kubeconfig ${kubeconfig} does not exist; name one with --kubeconfig`)
  expect(code).toBe(1)
}, 20_000)

it('statuses that are not there are told with where they would be', async () => {
  const place = directory()
  const { code, text } = await ended(['status', '--output', place])
  expect(text).toBe(
    `There are no statuses in ${join(place, '.state', 'status.json')}. Name the --output directory of standalone, ` +
      'which writes them while it runs.\n',
  )
  expect(code).toBe(1)
}, 20_000)

it('manifests without a credential are told, and waited for', async () => {
  const place = directory()
  const child = spawn(process.execPath, ['src/main/main.ts', 'standalone', '--manifests', place, '--output', place])
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk) => (text += String(chunk)))
  await vi.waitFor(() => expect(text).toContain(`There is no OAuthCredential in ${place} yet`), { timeout: 15_000 })
  expect(child.exitCode).toBeNull()
  observeOutput('standalone', text)
}, 20_000)
