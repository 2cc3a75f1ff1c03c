import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { join } from 'node:path'
import type { ServerEntry } from './server-table.ts'
import type { RunStep } from './recipe.ts'

const run = promisify(execFile)

/**
 * Copies a server's executable out of its pinned image. The copy runs as a plain process, so that suites can stop,
 * pause and restart it the same way whatever it came from.
 * @returns false when there is no image for it here, no Docker daemon answers, or the image cannot be had.
 */
export async function copyFromImage(entry: ServerEntry, directory: string, step: RunStep): Promise<boolean> {
  // An image holds Linux executables: of no use to a host of another kind.
  if (entry.image === undefined || process.platform !== 'linux' || !(await daemonAnswers())) return false
  const reference = entry.image.reference.replace('{version}', entry.recipe.version().replace(/^v/, ''))
  const container = `oauth-credential-operator-${entry.name}-${process.pid}`
  try {
    await step('docker', ['create', '--name', container, reference])
    await step('docker', ['cp', `${container}:${entry.image.path}`, join(directory, entry.executable)])
    return true
  } catch (error) {
    console.log(`${entry.name}: not from ${reference} (${(error as Error).message}), building it instead`)
    return false
  } finally {
    await run('docker', ['rm', '--force', container]).catch(() => undefined)
  }
}

async function daemonAnswers(): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5000 })
    return true
  } catch {
    return false
  }
}
