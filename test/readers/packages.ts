import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const limitMs = 10 * 60_000

/** Programs that the npm registry has, each at the version whose file docs/formats.md tells of. */
export const packages: Readonly<Record<string, { readonly name: string; readonly version: string }>> = {
  claude: { name: '@anthropic-ai/claude-code', version: '2.1.329' },
  codex: { name: '@openai/codex', version: '0.169.0' },
  gemini: { name: '@google/gemini-cli', version: '0.61.0' },
  opencode: { name: 'opencode-ai', version: '1.18.33' },
  /** Later versions refuse this login unless an editor speaks to them. */
  qwen: { name: '@qwen-code/qwen-code', version: '0.12.0' },
}

/** Where the program of a package is once it is installed: outside of the repository, so that every checkout shares it. */
export function packageExecutable(program: string): string {
  return join(directoryOf(program), 'node_modules', '.bin', program)
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
    const what = `${wanted.name}@${wanted.version}`
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', temporary, what], { timeout: limitMs })
    publish(temporary, directory)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return 'installed'
}

/** Another process may have been faster: its package is as good. */
function publish(temporary: string, directory: string): void {
  try {
    renameSync(temporary, directory)
  } catch (error) {
    if (!existsSync(directory)) throw error
  }
}
