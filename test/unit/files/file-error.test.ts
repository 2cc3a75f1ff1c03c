import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { classifyFileError, isMissing } from '../../../src/adapters/files/file-error.ts'
import { errnoError } from './mortal.ts'

describe('an error of the file system', () => {
  it.each([
    ['ENOENT', 'missing', 'it does not exist (ENOENT)'],
    ['ENOTDIR', 'missing', 'a part of the path is not a directory (ENOTDIR)'],
    ['EACCES', 'denied', 'permission is denied (EACCES)'],
    ['EPERM', 'denied', 'permission is denied (EPERM)'],
    ['EROFS', 'denied', 'the file system is read-only (EROFS)'],
    ['EISDIR', 'unsuitable', 'it is a directory (EISDIR)'],
    ['ELOOP', 'unsuitable', 'it leads through too many links (ELOOP)'],
    ['ENAMETOOLONG', 'unsuitable', 'the name is too long (ENAMETOOLONG)'],
    ['ENOSPC', 'unavailable', 'no space is left (ENOSPC)'],
    ['EDQUOT', 'unavailable', 'the quota is used up (EDQUOT)'],
    ['EIO', 'unavailable', 'the disk reports an error (EIO)'],
    ['EMFILE', 'unavailable', 'too many files are open (EMFILE)'],
    ['ESTALE', 'unavailable', 'the network file system has lost it (ESTALE)'],
    ['EWHATEVER', 'unavailable', 'the file system refuses (EWHATEVER)'],
  ] as const)('%s is %s: %s', (code, problem, cause) => {
    expect(classifyFileError(errnoError(code))).toEqual({ problem, cause })
    expect(isMissing(errnoError(code))).toBe(problem === 'missing')
  })

  it('never tells the path', () => {
    const path = '/nowhere/at-all'
    try {
      readFileSync(path)
    } catch (error) {
      expect(classifyFileError(error).cause).not.toContain('nowhere')
      return
    }
    throw new Error('the file was read')
  })

  it.each([
    ['a bug', new TypeError('x is not a function')],
    ['a wrong argument', Object.assign(new TypeError('null bytes'), { code: 'ERR_INVALID_ARG_VALUE' })],
    ['no error at all', 'text'],
  ])('is told from %s, which is thrown again', (_, bug) => {
    expect(() => classifyFileError(bug)).toThrow()
  })
})
