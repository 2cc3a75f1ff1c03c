import { lstatSync } from 'node:fs'
import process from 'node:process'

/**
 * Why a directory below one that everybody may write into is not for us alone; undefined when it is.
 * Somebody else may have made it first, or put a link in its place.
 *
 * Throws what the file system throws.
 */
export function privateDirectoryProblem(path: string): string | undefined {
  const state = lstatSync(path)
  if (state.isSymbolicLink()) return 'is a link'
  if (!state.isDirectory()) return 'is not a directory'
  if (!isOurs(state.uid)) return 'belongs to another user'
  return (state.mode & 0o022) === 0 ? undefined : 'may be written into by other users'
}

/** True for the user that this process runs as, and on platforms that have no such numbers. */
export function isOurs(uid: number): boolean {
  return process.geteuid === undefined || process.geteuid() === uid
}
