import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { observeOutput, watchForLeak } from '../support/canary.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'
import { loopback } from './loopback.ts'
import { ServerHome } from './server-home.ts'

// What somebody reads who starts the controller for the first time and has forgotten something: what is missing, what
// helps, and nothing twice. Each test mends what the one before has left.

const mainFile = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url))
const namespace = 'operators'

let cluster: Cluster
let home: ServerHome
let running: Controller | undefined

beforeAll(async () => {
  home = new ServerHome('mistakes')
  cluster = await startCluster()
})
afterEach(() => running?.stop())
afterAll(() => Promise.all([cluster?.stop(), home?.remove()]))

interface Line {
  readonly level: string
  readonly msg: string
  readonly resource?: string
}

interface Controller {
  /** Warnings and errors. */
  readonly complaints: () => readonly Line[]
  readonly lines: () => readonly Line[]
  readonly stop: () => Promise<void>
}

function start(kubeconfig: string): Controller {
  const address = `${loopback}:0`
  const flags = ['--kubeconfig', kubeconfig, '--namespace', namespace, '--journal', home.path('journal')]
  const addresses = ['--metrics-address', address, '--health-address', address]
  const child: ChildProcess = spawn(process.execPath, [mainFile, 'controller', ...flags, ...addresses], {
    env: { PATH: process.env['PATH'], HOME: home.directory },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  home.watch(child.pid ?? 0)
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const lines = (): readonly Line[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line)
  running = {
    lines,
    complaints: () => lines().filter(({ level }) => level === 'warn' || level === 'error'),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      home.forget(child.pid ?? 0)
      observeOutput('the log of the controller', text)
      running = undefined
    },
  }
  return running
}

const patiently = { timeout: 30_000, interval: 100 }

test('kinds that are not installed are named with what installs them', async () => {
  const { complaints, lines } = start(cluster.adminKubeconfig)
  await vi.waitFor(() => expect(complaints().length).toBeGreaterThanOrEqual(5), patiently)
  expect(lines()[0]).toMatchObject({ msg: 'controller', apiServer: cluster.url })
  const named = ['oauthcredentials', 'oauthproviders', 'clusteroauthproviders', 'tokenstores', 'clustertokenstores']
  expect(complaints()).toHaveLength(named.length)
  expect(new Set(complaints().map(({ resource }) => resource))).toEqual(new Set(named))
  for (const { msg } of complaints()) expect(msg).toContain('install the CustomResourceDefinitions (deploy/crds)')
}, 60_000)

test('rights that are missing are named, each once', async () => {
  await cluster.kubectlOrThrow(['apply', '--server-side', '-f', 'deploy/crds'])
  await cluster.kubectlOrThrow(['create', 'namespace', 'people'])
  const token = watchForLeak(await cluster.serviceAccountToken('people', 'nobody'))
  const { complaints } = start(cluster.writeKubeconfig('nobody', token))
  await vi.waitFor(() => expect(complaints().length).toBeGreaterThanOrEqual(7), patiently)
  await new Promise((resolve) => setTimeout(resolve, 4500)) // another two attempts
  const messages = complaints().map(({ msg }) => msg)
  expect(messages.filter((msg) => msg.includes('grant the operator list and watch on them'))).toHaveLength(6)
  expect(messages.filter((msg) => msg.includes('may not get the namespace kube-system'))).toHaveLength(1)
  expect(new Set(messages).size).toBe(7)
}, 60_000)

test('a namespace that is missing is named with the command that makes it', async () => {
  const { complaints } = start(cluster.adminKubeconfig)
  const told = `The Lease cannot be read or taken; it is tried again. Make the namespace first: kubectl create namespace ${namespace}.`
  await vi.waitFor(() => expect(complaints().map(({ msg }) => msg)).toEqual([told]), patiently)
}, 60_000)

test('nothing is said where nothing is missing, but who leads', async () => {
  await cluster.kubectlOrThrow(['create', 'namespace', namespace])
  const { complaints, lines } = start(cluster.adminKubeconfig)
  await vi.waitFor(() => expect(lines().map(({ msg }) => msg)).toContain('This process leads.'), patiently)
  expect(complaints()).toEqual([])
}, 60_000)
