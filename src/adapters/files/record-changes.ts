import { randomBytes } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { classifyFileError, isMissing } from './file-error.ts'
import type { FileSteps } from './file-steps.ts'
import { claimFile } from './process-claim.ts'
import type { ReplaceOutcome } from './replace-document.ts'
import { readDocument } from './store-document.ts'

/** Older claims of another machine are left over: nobody holds one for so long. */
const foreignExpiryMs = 60_000

/**
 * Makes a file that does not exist yet: its content is whole and on the disk before it gets its name.
 * Whoever finds another process at it, or the file there, meets a conflict.
 */
export async function createRecord(path: string, content: string, steps: FileSteps): Promise<ReplaceOutcome> {
  const claimed = claimFile(path, { foreignExpiryMs })
  if (claimed.kind === 'taken') return { kind: 'conflict' }
  // Named as the drafts of a replacement, which removes what a process left that died here.
  const draft = join(dirname(path), `.${basename(path)}.draft.${randomBytes(6).toString('hex')}`)
  try {
    if (await exists(path)) return { kind: 'conflict' }
    await steps.writeNew(draft, content, { mode: 0o600 })
    await steps.move(draft, path)
    return await lasting(path, steps)
  } catch (error) {
    const classified = classifyFileError(error)
    await removeIfThere(draft, steps)
    return { kind: 'refused', error: classified }
  } finally {
    claimed.claim.release()
  }
}

/** Removes a file if it is still at that version; false when it is not. Throws what the file system throws. */
export async function removeRecord(path: string, version: string, steps: FileSteps): Promise<boolean> {
  const claimed = claimFile(path, { foreignExpiryMs })
  if (claimed.kind === 'taken') return false
  try {
    const document = await readDocument(path)
    if ('problem' in document || document.version !== version) return false
    await steps.remove(path)
    await steps.sync(dirname(path))
    return true
  } finally {
    claimed.claim.release()
  }
}

async function lasting(path: string, steps: FileSteps): Promise<ReplaceOutcome> {
  try {
    await steps.sync(dirname(path))
    return { kind: 'written' }
  } catch (error) {
    return { kind: 'unknown', error: classifyFileError(error) }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** The first failure is the one to tell. */
async function removeIfThere(path: string, steps: FileSteps): Promise<void> {
  try {
    await steps.remove(path)
  } catch (error) {
    classifyFileError(error)
  }
}
