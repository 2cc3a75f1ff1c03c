import { execFile } from 'node:child_process'

const limitMs = 10 * 60_000
const keptOutputBytes = 16 * 2 ** 20

/**
 * Runs the Docker CLI, for what only it can do: builds with secrets, and imports. The environment variable DOCKER
 * names another one than that on PATH.
 * @returns what it wrote to standard output.
 * @throws with the end of what it wrote to standard error.
 */
export function docker(...args: readonly string[]): Promise<string> {
  const command = process.env['DOCKER'] ?? 'docker'
  return new Promise((resolve, reject) => {
    const options = {
      timeout: limitMs,
      maxBuffer: keptOutputBytes,
      // The Dockerfile mounts secrets; before Docker 23 that had to be asked for.
      env: { ...process.env, DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain' },
    }
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${args[0] ?? ''} failed: ${lastLines(stderr) || error.message}`))
    })
  })
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-40).join('\n')
}
