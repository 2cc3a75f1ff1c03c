import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { OutageLog } from '../../src/adapters/kubernetes/outage-log.ts'
import { canary, observeOutput } from '../support/canary.ts'
import { LogLines } from '../support/memory-ports.ts'
import { type Block, blocksOf } from '../unit/docs/pages.ts'
import { type Moto, startMoto } from './moto.ts'
import { manifestOf, operatorNamespace } from './operator-bed.ts'
import { serverPath } from './server-source.ts'
import {
  credentialAt,
  namespace,
  startTeamCluster,
  startTeamServers,
  type TeamCluster,
  type TeamServers,
} from './team-scene.ts'

// Every block of every runbook is typed as it stands, but for its capital words, on a cluster with an operator and a
// login that is dead: with the real kubectl, vault and aws. Nothing runs in Pods here, so three things stand apart:
//
// - `kubectl logs` prints what the operator has really logged; that kubectl takes the command is asked for itself. What
//   it logs when a watch is interrupted stands there too: none is, here.
// - `kubectl top` and the way through the API server to the metrics lead nowhere: kubectl has to get as far as that.
// - `kubectl run` is asked of the API server without being done.

const name = 'claude'
const document = `teams/${namespace}/${name}`
const blocks = blocksOf(['sh']).filter(({ page }) => page.startsWith('docs/runbooks/'))

/** What a block needs that cannot be here, and the words with which kubectl or the API server say that only this is missing. */
const beyondHere: readonly (readonly [command: RegExp, answer: RegExp])[] = [
  [/^kubectl .* top pods$/, /Metrics API not available/],
  [
    /^kubectl .* get --raw \S+\/proxy\/metrics/,
    /no endpoints available for service "oauth-credential-operator-metrics"/,
  ],
]

/** What the control plane says of the Service, as long as no Pod is behind it. */
const noEndpoints = {
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'oauth-credential-operator-metrics', namespace: operatorNamespace },
}
const interrupted = new LogLines()
new OutageLog(interrupted, 'oauthcredentials').failed('forbidden', 'A right is missing.')

/** Whose server nobody is at. */
const gone = manifestOf('OAuthProvider', namespace, 'gone', {
  tokenEndpoint: 'http://127.0.0.1:1/token',
  client: { id: 'anybody', authentication: 'none' },
})

let servers: TeamServers
let team: TeamCluster
let moto: Moto
let home: string

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'runbooks-'))
  ;[servers, moto] = await Promise.all([startTeamServers(60), startMoto()])
  team = await startTeamCluster(servers)
  const { cluster } = team.bed
  await team.bed.createPod(team.operator.identity)
  const labels = ['name', 'instance'].map((each) => `app.kubernetes.io/${each}=oauth-credential-operator`)
  await cluster.kubectlOrThrow(['-n', operatorNamespace, 'label', 'pod', team.operator.identity, ...labels])
  // The namespace takes no bare Pod from then on.
  await cluster.kubectlOrThrow(['apply', '--server-side', '--force-conflicts', '-f', 'deploy/install.yaml'])
  await cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(noEndpoints))
  putOnPath()
  writeFileSync(join(home, 'document.json'), JSON.stringify({ refresh_token: canary('rt') }))
  await run(`aws secretsmanager create-secret --name ${namespace}/${name} --secret-string file://document.json`)
  const first = await servers.server.issueRefreshToken()
  await servers.vault.kvWrite(document, { refresh_token: first })
  await team.bed.apply(credentialAt(name, document))
  await suffer()
  await team.bed.condition(namespace, name, 'Ready', 60_000)
  await servers.server.revoke(String((await servers.vault.kvRead(document)).data?.['refresh_token']))
  await team.bed.condition(namespace, name, 'Stalled', 90_000)
}, 300_000)
afterAll(async () => {
  await team?.bed.stop()
  await Promise.all([servers?.stop(), moto?.stop()])
  rmSync(home, { recursive: true, force: true })
})

/** Credentials enough for the circuit of a token host to open. */
async function suffer(): Promise<void> {
  await team.bed.apply(gone)
  for (const other of ['one', 'two', 'three', 'four', 'five', 'six']) {
    await servers.vault.kvWrite(`teams/${other}`, { refresh_token: canary('rt') })
    const manifest = credentialAt(other)
    await team.bed.apply({ ...manifest, spec: { ...manifest.spec, providerRef: { name: 'gone' } } })
  }
  const opened = 'the token host does not answer'
  await vi.waitFor(() => expect(team.operator.output).toContain(opened), { timeout: 120_000, interval: 250 })
}

/** As a human has them; of kubectl, `logs` prints the operator's log, which no kubelet keeps here. */
function putOnPath(): void {
  mkdirSync(join(home, 'bin'))
  const programs = {
    vault: `exec '${serverPath('vault')}' "$@"`,
    aws: `exec '${serverPath('aws')}' "$@"`,
    kubectl: `case " $* " in *" logs "*) exec cat '${join(home, 'log')}' ;; *) exec '${serverPath('kubectl')}' "$@" ;; esac`,
  }
  for (const [program, line] of Object.entries(programs)) {
    writeFileSync(join(home, 'bin', program), `#!/bin/sh\n${line}\n`)
    chmodSync(join(home, 'bin', program), 0o755)
  }
}

interface Ran {
  readonly code: number
  readonly output: string
}

/** What a shell says to a script, without its pipes failing for what comes before their end. */
function run(script: string): Promise<Ran> {
  writeFileSync(join(home, 'log'), [team.operator.output, ...interrupted.lines, ''].join('\n'))
  const env = {
    PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    KUBECONFIG: team.bed.cluster.adminKubeconfig,
    VAULT_ADDR: servers.vault.address,
    VAULT_TOKEN: servers.vault.rootToken,
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  }
  return new Promise((resolve) => {
    execFile('bash', ['-ec', script], { cwd: home, env, timeout: 150_000 }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`
      observeOutput('what a runbook prints', output)
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output })
    })
  })
}

/** With the names that are here in place of its capital words; and to the end, so that a `grep` that finds nothing is seen. */
function filledIn(text: string): string {
  return text
    .replaceAll(/\bNAMESPACE\b/g, namespace)
    .replaceAll(/\bNAME\b/g, name)
    .replaceAll(/\bPROVIDER\b/g, 'login')
    .replaceAll(/\bTOKEN-HOST\b/g, 'login.example.com')
    .replaceAll(/ \| tail -\d+$/gm, '')
    .replaceAll(/ run probe --rm -i /g, ' run probe --dry-run=server ')
}

/** The lines of a block that cannot be done here, with what is expected of each, and the rest of it. */
function taken(apart: string) {
  const lines = filledIn(apart).trimEnd().split('\n')
  const beyond = lines.flatMap((line) =>
    beyondHere.filter(([command]) => command.test(line)).map(([, answer]) => ({ line, answer })),
  )
  return { beyond, rest: lines.filter((line) => !beyond.some((one) => one.line === line)).join('\n') }
}

const titled = blocks.map((block) => [`${block.page.replace(/.*\//, '')}:${block.line}`, block] as const)

describe('the commands of the runbooks', () => {
  test('are found', () => {
    expect(blocks.length).toBeGreaterThan(25)
  })

  const logs = blocks.flatMap(({ text }) => text.split('\n').filter((line) => line.includes(' logs ')))
  test.each([...new Set(logs.map((line) => line.split(' | ')[0] ?? ''))])(
    '%s: kubectl takes it, of a Pod that no node has',
    async (line) => {
      const { code, output } = await run(filledIn(line).replace('kubectl', `'${serverPath('kubectl')}'`))
      expect([code, output]).toEqual([0, ''])
    },
  )

  test.each(titled)(
    '%s',
    async (_, block: Block) => {
      if (block.text.includes('@new-refresh-token')) {
        writeFileSync(join(home, 'new-refresh-token'), await servers.server.issueRefreshToken())
      }
      const { beyond, rest } = taken(block.text)
      for (const { line, answer } of beyond) expect((await run(line.split(' | ')[0] ?? '')).output).toMatch(answer)
      const { code, output } = await run(rest)
      expect(code, output).toBe(0)
    },
    200_000,
  )

  test('end with a token', async () => {
    await team.bed.condition(namespace, name, 'Ready', 60_000)
  })
})
