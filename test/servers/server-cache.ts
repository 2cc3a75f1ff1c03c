import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerEntry } from './server-table.ts'

/** @returns the folder that keeps built servers; outside the repository, so that every checkout shares it. */
function cacheRoot(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(base, 'oauth-credential-operator', 'servers')
}

/** @returns where a built server lives; the name changes with anything that would change the build. */
export function cacheDirectory(entry: ServerEntry): string {
  const inputs = [process.platform, process.arch, entry.recipe.inputs()].join('\n')
  const hash = createHash('sha256').update(inputs).digest('hex').slice(0, 12)
  return join(cacheRoot(), `${entry.name}-${entry.recipe.version()}-${hash}`)
}

/**
 * Fills a cache directory by building into a temporary one and renaming it, so that it exists complete or not at all.
 * Of several processes that want it one builds and the others wait.
 * @param report called about every 10 s while another process builds.
 */
export async function fillCache(
  directory: string,
  build: (temporary: string) => Promise<void>,
  report: (elapsedSeconds: number) => void,
): Promise<void> {
  mkdirSync(cacheRoot(), { recursive: true })
  await withLock(`${directory}.lock`, report, async () => {
    if (existsSync(directory)) return
    removeAbandonedBuilds(directory)
    const temporary = mkdtempSync(`${directory}.building-`)
    try {
      await build(temporary)
      publish(temporary, directory)
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
  })
}

// A build that was killed leaves its folder behind; under the lock nobody else is building this one.
function removeAbandonedBuilds(directory: string): void {
  for (const name of readdirSync(cacheRoot())) {
    if (name.startsWith(`${basename(directory)}.building-`))
      rmSync(join(cacheRoot(), name), { recursive: true, force: true })
  }
}

// Another process may have published the same build when a lock was wrongly taken for stale; both are equal.
function publish(temporary: string, directory: string): void {
  try {
    renameSync(temporary, directory)
  } catch (error) {
    if (!existsSync(directory)) throw error
  }
}

// The lock only saves work: correctness rests on the rename. So the small race in removing a stale one is harmless.
async function withLock(
  path: string,
  report: (elapsedSeconds: number) => void,
  work: () => Promise<void>,
): Promise<void> {
  const start = Date.now()
  for (let turn = 0; !takeLock(path); turn++) {
    if (turn % 10 === 0) report(Math.round((Date.now() - start) / 1000))
    await sleep(1000)
  }
  try {
    await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function takeLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (!isAlive(ownerOf(path))) rmSync(path, { force: true })
    return false
  }
}

function ownerOf(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return Number.NaN // released between the two calls
  }
}

function isAlive(pid: number): boolean {
  // An empty file is a lock whose owner has not written its pid yet: taken for alive, its owner needs only an instant.
  if (!Number.isInteger(pid) || pid <= 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
