import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { packageExecutable, packages } from './packages.ts'

/** How each program gets onto this machine. */
const remedies: Readonly<Record<string, string>> = {
  cargo: 'install it with rustup, or as the package cargo',
  claude: 'run npm run readers',
  codex: 'run npm run readers',
  curl: 'install the package curl',
  docker: 'install the package docker-cli',
  envoy: 'run npm run readers',
  gemini: 'run npm run readers',
  git: 'install the package git',
  node: 'run npm ci',
  npm: 'install Node with npm',
  opencode: 'run npm run readers',
  pip: 'install the package python3-pip',
  python3: 'install the package python3',
  qwen: 'run npm run readers',
  sh: 'install a POSIX shell',
  terraform: 'install Terraform, see developer.hashicorp.com/terraform/install',
}

export interface ProgramRun {
  readonly command: readonly string[]
  /** Beside PATH and a home that is its own. */
  readonly env?: Readonly<Record<string, string>>
  readonly home: string
}

export interface ProgramEnd {
  readonly code: number | null
  readonly output: string
}

const limitMs = 180_000

/**
 * Runs a program to its end, without the settings of the person who runs the tests and without a way
 * to anything but the loopback device.
 * @throws when the program is missing, with how to get it; it is killed after three minutes.
 */
export function runProgram({ command, env = {}, home }: ProgramRun): Promise<ProgramEnd> {
  const [name = '', ...args] = command
  const child = spawn(programPath(name), args, {
    cwd: home,
    env: { ...cleanEnvironment(home), ...env },
    timeout: limitMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString('utf8') }))
  })
}

/** @throws when the program is missing, with how to get it. */
export function programPath(name: string): string {
  const found = find(name)
  if (found === undefined) throw new Error(`${name} is missing: ${remedies[name] ?? 'install it'}`)
  return found
}

function find(name: string): string | undefined {
  if (name in packages) return existsSync(packageExecutable(name)) ? packageExecutable(name) : undefined
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path))
}

function cleanEnvironment(home: string): Readonly<Record<string, string>> {
  // Nothing listens there: whatever would leave the machine fails at once.
  const nowhere = 'http://127.0.0.1:9'
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    http_proxy: nowhere,
    https_proxy: nowhere,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    // Managers of versions put stand-ins on PATH that look for the program below the real home.
    PYENV_ROOT: join(homedir(), '.pyenv'),
    RUSTUP_HOME: join(homedir(), '.rustup'),
  }
}
