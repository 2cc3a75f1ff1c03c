import { mkdir, open, rename, rmdir, symlink, unlink } from 'node:fs/promises'
import { errnoOf } from './file-error.ts'

/** Whose file it becomes and who may read it. */
export interface FileAccess {
  readonly mode: number
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/**
 * Every call by which this adapter changes directories, each a point at which the process may die.
 * Tests put their own here and end a life between any two of them.
 */
export interface FileSteps {
  /** One level; succeeds when the directory exists, whose mode is then left alone. */
  makeDirectory(path: string, mode: number): Promise<void>
  /** Writes a file that must not exist yet, to the disk. */
  writeNew(path: string, content: string, access: FileAccess): Promise<void>
  makeLink(target: string, path: string): Promise<void>
  /** Takes the place of a file or link at `to`, if there is one, in one step. */
  move(from: string, to: string): Promise<void>
  /** Removes a file or link. */
  remove(path: string): Promise<void>
  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void>
  /** Returns when the entries of a directory are on the disk. */
  sync(directory: string): Promise<void>
}

export const fileSteps: FileSteps = {
  makeDirectory,
  writeNew,
  makeLink: symlink,
  move: rename,
  remove: unlink,
  removeDirectory: rmdir,
  sync,
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

async function writeNew(path: string, content: string, { mode, owner }: FileAccess): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    const owned = owner === undefined || (await giveTo(file, owner))
    // Permissions of a group count for the group that the file has now, which may be another one.
    await file.chmod(owned ? mode : mode & 0o707)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function giveTo(
  file: { chown(uid: number, gid: number): Promise<void> },
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<boolean> {
  try {
    await file.chown(uid, gid)
    return true
  } catch (error) {
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'EINVAL') throw error
    return false
  }
}

/** Some network and user-space file systems have no such call for directories; there is nothing to wait for then. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}
