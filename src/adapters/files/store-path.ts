import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { classifyFileError, type FileError } from './file-error.ts'

/** Where the document of a key is, with every link on the way followed. */
export type DocumentPlace =
  | { readonly kind: 'found'; readonly path: string }
  /** The directory is there, and has no such file. */
  | { readonly kind: 'missing' }
  /** The key is no plain path, or a link on the way leads out of the directory. */
  | { readonly kind: 'outside' }
  | { readonly kind: 'directory-unusable'; readonly error: FileError }
  | { readonly kind: 'file-unusable'; readonly error: FileError }

/**
 * Finds the file that a key names: a relative path below the directory, written in the one way that
 * it can be written, so that a pattern that grants some keys grants no others.
 */
export async function findDocument(directory: string, key: string): Promise<DocumentPlace> {
  if (!isPlainPath(key)) return { kind: 'outside' }
  const root = await realPath(directory)
  if (typeof root !== 'string') return { kind: 'directory-unusable', error: root }
  const path = await realPath(join(root, key))
  if (typeof path !== 'string') {
    return path.problem === 'missing' ? { kind: 'missing' } : { kind: 'file-unusable', error: path }
  }
  const below = root.endsWith(sep) ? root : `${root}${sep}`
  return path.startsWith(below) ? { kind: 'found', path } : { kind: 'outside' }
}

function isPlainPath(key: string): boolean {
  return !key.includes('\0') && key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

async function realPath(path: string): Promise<string | FileError> {
  try {
    return await realpath(path)
  } catch (error) {
    return classifyFileError(error)
  }
}
