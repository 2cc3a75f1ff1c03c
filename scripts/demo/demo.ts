import { setTimeout as sleep } from 'node:timers/promises'
import { readStatusFile } from '../../src/adapters/files/status-file.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../../test/support/authorization-server.ts'
import { assertNoLeak, observeOutput } from '../../test/support/canary.ts'
import { readViews, statusFileOf } from './credential-view.ts'
import { openDisplay } from './display.ts'
import { EventFeed } from './event-feed.ts'
import { introduction } from './introduction.ts'
import { type DemoOptions, parseOptions } from './options.ts'
import { claudeCodeSeed, type Login, type Seed, vibekitSeed } from './seeds.ts'
import { endAsked } from './signals.ts'
import { type ProcessEnd, StandaloneProcess } from './standalone-process.ts'
import { summaryLine } from './summary.ts'
import { verify } from './verification.ts'
import { discardWorkspace, prepareWorkspace, type Workspace } from './workspace.ts'

interface Stage {
  readonly server: AuthorizationServer
  readonly workspace: Workspace
  /** Resolves when somebody wants the end. */
  readonly asked: Promise<'asked'>
}

/** What Claude Code's file must have been granted, and one more. */
const scopes = ['user:inference', 'api:read']

/** Exit codes: 0 when everything is as shown, 1 when it is not or standalone mode died, 130 after a second Ctrl-C. */
async function main(options: DemoOptions): Promise<number> {
  const asked = endAsked(() => process.exit(130))
  const server = await startAuthorizationServer({ accessTokenSeconds: options.tokenLifetime, scopes })
  try {
    const workspace = prepareWorkspace({
      output: options.output,
      tokenEndpoint: server.tokenEndpoint,
      client: server.clients.basic,
      seeds: await login(server),
    })
    if (workspace === undefined) {
      process.stderr.write(`${options.output} holds something else; give a new or an empty directory.\n`)
      return 1
    }
    const good = await show(options, { server, workspace, asked })
    if (good) discardWorkspace(workspace)
    return good ? 0 : 1
  } finally {
    await server.close()
  }
}

/** Two people logged in an hour ago. */
async function login(server: AuthorizationServer): Promise<readonly Seed[]> {
  const issuedAtSeconds = Math.floor(Date.now() / 1000) - 3600
  const person = async (account: string): Promise<Login> => {
    const refreshToken = await server.issueRefreshToken('basic', account)
    return { refreshToken, issuedAtSeconds, scopes }
  }
  return [claudeCodeSeed(await person('agent')), vibekitSeed(await person('app'))]
}

async function show(options: DemoOptions, { server, workspace, asked }: Stage): Promise<boolean> {
  const flags = ['--manifests', workspace.manifests, '--output', workspace.directory]
  const run = [...flags, '--allow-plain-http', '--allow-private-addresses']
  const above = introduction({ workspace, ...server, ...options, arguments: run })
  print(above)
  const startedMs = performance.now()
  const elapsed = (): number => (performance.now() - startedMs) / 1000
  const progress = (): string => progressLine(elapsed(), options, server)
  const display = openDisplay({ workspace, progress, printed, above })
  const feed = new EventFeed(workspace, (event) => display.event(event))
  const standalone = new StandaloneProcess([...run, '--log-format', 'json'], (line) => {
    observeOutput("standalone's log", line)
    feed.take(line)
  })
  const over = options.for === undefined ? [] : [sleep(options.for * 1000, 'over' as const, { ref: false })]
  const why = await Promise.race([standalone.ended, asked, ...over])
  const end = typeof why === 'string' ? await standalone.stop() : why
  await feed.settled()
  display.end()
  if (typeof why !== 'string' || !endedCleanly(end)) return died(end, standalone.lastLines)
  const views = await readViews(workspace)
  const counted = { views, rotations: feed.rotations, early: why === 'asked' }
  const found = await verify(server, workspace.credentials, counted)
  observeOutput('the status file', JSON.stringify(await readStatusFile(statusFileOf(workspace))))
  const problems = [...found.problems, ...leaks()]
  print([summaryLine({ ...found, problems }, elapsed())])
  return problems.length === 0
}

function progressLine(elapsedSeconds: number, options: DemoOptions, { statistics }: AuthorizationServer): string {
  const total = options.for === undefined ? '' : ` of ${options.for} s`
  const { refreshes, reuses } = statistics
  return `${Math.floor(elapsedSeconds)} s${total}   the server granted ${refreshes} refreshes and saw ${reuses} refresh tokens twice`
}

/** A process that is asked to end while it still loads knows no signal yet, and has begun nothing. */
function endedCleanly({ code, signal }: ProcessEnd): boolean {
  return code === 0 || signal === 'SIGTERM'
}

function died({ code, signal }: ProcessEnd, lastLines: readonly string[]): boolean {
  print([...lastLines, `Demo FAILED: standalone mode ended with ${signal ?? `exit code ${code}`}.`])
  return false
}

function leaks(): readonly string[] {
  try {
    assertNoLeak()
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : 'a secret leaked']
  }
}

function print(lines: readonly string[]): void {
  for (const line of lines) printed(line)
  process.stdout.write(`${lines.join('\n')}\n`)
}

function printed(line: string): void {
  observeOutput('the demo', line)
}

process.exitCode = await main(parseOptions(process.argv))
