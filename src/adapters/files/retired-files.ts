import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { classifyFileError, isMissing } from './file-error.ts'
import type { FileSteps } from './file-steps.ts'
import { ownerFile } from './target-directory.ts'

/**
 * Directories of files that were replaced a moment ago.
 *
 * A reader may have followed the link to them before it was renamed, and been held up since by a busy
 * machine: it must still find its file. So they are removed only after a grace. A process that ends
 * before leaves them to the next publication, which takes everything away that is not retired.
 */
export class RetiredFiles {
  readonly #steps: FileSteps
  readonly #graceMs: number
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(steps: FileSteps, graceMs: number) {
    this.#steps = steps
    this.#graceMs = graceMs
  }

  has(directory: string): boolean {
    return this.#timers.has(directory)
  }

  retire(directory: string): void {
    const timer = setTimeout(() => void this.#remove(directory), this.#graceMs)
    this.#timers.set(directory, timer.unref())
  }

  /** Has no more to do with what is in a target, because all of it goes. */
  forget(target: string): void {
    for (const [directory, timer] of this.#timers) {
      if (dirname(directory) !== target) continue
      clearTimeout(timer)
      this.#timers.delete(directory)
    }
  }

  async #remove(directory: string): Promise<void> {
    try {
      await removeFiles(directory, this.#steps)
    } catch (error) {
      // The next publication tries again.
      classifyFileError(error)
    } finally {
      this.#timers.delete(directory)
    }
  }
}

/**
 * Removes one publication's files, their owner last, so that a death in between leaves nothing that
 * nobody owns. Succeeds when they are gone, or go meanwhile.
 */
export async function removeFiles(directory: string, steps: FileSteps): Promise<void> {
  try {
    const names = await readdir(directory)
    for (const name of names) if (name !== ownerFile) await removeIfThere(join(directory, name), steps)
    await removeIfThere(join(directory, ownerFile), steps)
    await steps.removeDirectory(directory)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

export async function removeIfThere(path: string, steps: FileSteps): Promise<void> {
  try {
    await steps.remove(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
