/** What a failed call of the file system means to the one who made it. */
export interface FileError {
  /**
   * - `missing`: nothing is there, or the path leads through something that is no directory.
   * - `denied`: permissions, ownership, or a file system mounted read-only.
   * - `unsuitable`: something is there that cannot be used this way, such as a directory for a file.
   * - `unavailable`: everything that may pass: no space, a broken disk, a network file system that is away.
   */
  readonly problem: 'missing' | 'denied' | 'unsuitable' | 'unavailable'
  /** Words and code, for messages: `no space is left (ENOSPC)`. Never a path. */
  readonly cause: string
}

const known: Readonly<Record<string, readonly [FileError['problem'], string]>> = {
  ENOENT: ['missing', 'it does not exist'],
  ENOTDIR: ['missing', 'a part of the path is not a directory'],
  EACCES: ['denied', 'permission is denied'],
  EPERM: ['denied', 'permission is denied'],
  EROFS: ['denied', 'the file system is read-only'],
  EISDIR: ['unsuitable', 'it is a directory'],
  ELOOP: ['unsuitable', 'it leads through too many links'],
  ENAMETOOLONG: ['unsuitable', 'the name is too long'],
  ENXIO: ['unsuitable', 'it is not a regular file'],
  EEXIST: ['unsuitable', 'something else is there'],
  ENOTEMPTY: ['unsuitable', 'the directory is not empty'],
  ENOSPC: ['unavailable', 'no space is left'],
  EDQUOT: ['unavailable', 'the quota is used up'],
  EFBIG: ['unavailable', 'the file would be too large'],
  EIO: ['unavailable', 'the disk reports an error'],
  EMFILE: ['unavailable', 'too many files are open'],
  ENFILE: ['unavailable', 'too many files are open'],
  ESTALE: ['unavailable', 'the network file system has lost it'],
}

/** Classifies what a call of the file system threw. Anything else is a bug and is thrown again. */
export function classifyFileError(error: unknown): FileError {
  const code = errnoOf(error)
  if (code === undefined) throw error
  const [problem, words] = known[code] ?? ['unavailable', 'the file system refuses']
  return { problem, cause: `${words} (${code})` }
}

/** True for the error of a call that found nothing at the path. */
export function isMissing(error: unknown): boolean {
  return classifyFileError(error).problem === 'missing'
}

/** The code of a file system error; undefined for everything else, such as a wrong argument. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errno' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
