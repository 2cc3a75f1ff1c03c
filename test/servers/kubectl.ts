import { spawn } from 'node:child_process'
import { serverPath } from './server-source.ts'

export interface KubectlResult {
  readonly stdout: string
  readonly stderr: string
  /** Exit code; -1 when a signal ended it. */
  readonly code: number
}

const kubectlLimitMs = 120_000

/**
 * Runs kubectl against one cluster. It never rejects for an exit code: look at `code`.
 * @throws when it takes more than two minutes.
 * @param kubeconfig path; kubectl's discovery cache is kept beside it, away from the user's own.
 */
export function runKubectl(kubeconfig: string, args: readonly string[], stdin?: string): Promise<KubectlResult> {
  return new Promise((resolve, reject) => {
    const common = [`--kubeconfig=${kubeconfig}`, `--cache-dir=${kubeconfig}.cache`]
    const child = spawn(serverPath('kubectl'), [...common, ...args], {
      stdio: 'pipe',
      signal: AbortSignal.timeout(kubectlLimitMs),
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => {
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8')
      resolve({ stdout: text(stdout), stderr: text(stderr), code: code ?? -1 })
    })
    child.stdin.on('error', () => undefined) // it may end without having read everything; the exit code says why
    child.stdin.end(stdin)
  })
}
