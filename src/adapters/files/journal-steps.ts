import { constants, closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync } from 'node:fs'
import { openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { errnoOf, isMissing } from './file-error.ts'

/**
 * Every call by which the journal touches its file. They are synchronous: the asynchronous ones
 * queue behind DNS look-ups and other files in a small thread pool, and between the last byte of an
 * answer and its record nothing may come in between; a write into the page cache takes microseconds.
 *
 * Tests put their own here and end a life between any two of them.
 */
export interface JournalSteps {
  /** For reading and appending; made with mode 0600 if there is none. Never follows a link. */
  open(path: string): number
  /** As {@link open}, for a file that must not exist. */
  create(path: string): number
  /** Returns how many bytes were written, which may be fewer. */
  write(fd: number, bytes: Buffer): number
  /** Returns when the content is on the disk. */
  sync(fd: number): void
  truncate(fd: number, size: number): void
  close(fd: number): void
  rename(from: string, to: string): void
  /** Succeeds when there is nothing. */
  remove(path: string): void
  /** False when somebody removed or replaced the file, so that what is written goes nowhere. */
  isNamed(fd: number): boolean
  syncDirectory(path: string): void
}

const appending =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

export const journalSteps: JournalSteps = {
  open: (path) => openSync(path, appending, 0o600),
  create: (path) => openSync(path, appending | constants.O_EXCL, 0o600),
  write: (fd, bytes) => writeSync(fd, bytes),
  sync: fdatasyncSync,
  truncate: ftruncateSync,
  close: closeSync,
  rename: renameSync,
  remove,
  isNamed: (fd) => fstatSync(fd).nlink > 0,
  syncDirectory,
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Some network and user-space file systems have no such call for directories; there is nothing to wait for then. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    closeSync(fd)
  }
}
