import { readdirSync, statSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileRefreshTokenStore, type FileStoreOptions } from '../../../src/adapters/files/file-store.ts'
import { type FileSteps, fileSteps } from '../../../src/adapters/files/file-steps.ts'
import { claimFile } from '../../../src/adapters/files/process-claim.ts'
import type { StoredRefreshToken } from '../../../src/ports/refresh-token-store.ts'
import { canary } from '../../support/canary.ts'
import { fileLocation, noMeasures } from './file-location.ts'
import { Death, errnoError, mortal } from './mortal.ts'
import { said } from './said.ts'
import { temporaryDirectory } from './temporary-directory.ts'

interface Bench {
  readonly directory: string
  readonly path: string
  readonly text: string
  readonly store: FileRefreshTokenStore
  readonly base: StoredRefreshToken
}

async function bench(options: Partial<FileStoreOptions> = {}): Promise<Bench> {
  const directory = await temporaryDirectory()
  const path = join(directory, 'seed')
  const text = JSON.stringify({ refresh_token: canary('rt'), _oauthop: 'not of ours' })
  await writeFile(path, text, { mode: 0o600 })
  const store = new FileRefreshTokenStore({ baseDirectory: '/nowhere', ...noMeasures, ...options })
  const read = await store.read(fileLocation({ directory, key: 'seed' }))
  if (!read.ok) throw new Error(read.failure.message)
  return { directory, path, text, store, base: read.value }
}

function prove({ store, directory, base }: Bench): Promise<string> {
  return said(store.proveWritable(fileLocation({ directory, key: 'seed' }), base))
}

describe('a proof that a file can be replaced', () => {
  it('leaves the file itself, and nothing beside it', async () => {
    const b = await bench()
    const before = statSync(b.path, { bigint: true })
    expect(await prove(b)).toBe('ok')
    const after = statSync(b.path, { bigint: true })
    expect([after.ino, after.mtimeNs, after.mode]).toEqual([before.ino, before.mtimeNs, before.mode])
    expect(readdirSync(b.directory)).toEqual(['seed'])
  })

  it('puts as much on the disk as a write would, where nobody else may read it', async () => {
    const seen: unknown[] = []
    const steps: FileSteps = {
      ...fileSteps,
      writeNew: async (path, content, access) => {
        await fileSteps.writeNew(path, content, access)
        seen.push([content, statSync(path).mode & 0o777])
      },
    }
    const b = await bench({ steps })
    expect(await prove(b)).toBe('ok')
    expect(seen).toEqual([[b.text, 0o600]])
  })

  it.each([
    ['ENOSPC', 'STORE_UNAVAILABLE: The document "seed" of TokenStore ci/files could not be written: no space is left'],
    ['EDQUOT', 'STORE_UNAVAILABLE'],
    ['EROFS', 'STORE_FORBIDDEN: The document "seed" of TokenStore ci/files could not be written: the file system'],
    ['EACCES', 'STORE_FORBIDDEN'],
  ])('meets %s', async (code, message) => {
    const b = await bench({ steps: { ...fileSteps, writeNew: () => Promise.reject(errnoError(code)) } })
    expect(await prove(b)).toContain(message)
    expect(await readFile(b.path, 'utf8')).toBe(b.text)
  })

  it('meets another writer', async () => {
    const b = await bench({ patienceMs: 30 })
    const other = claimFile(b.path)
    expect(await prove(b)).toContain('STORE_UNAVAILABLE: The document "seed" of TokenStore ci/files is being written')
    if (other.kind === 'held') other.claim.release()
    expect(await prove(b)).toBe('ok')
  })

  it('meets a foreign write while it is at it', async () => {
    const path = { value: '' }
    const steps: FileSteps = {
      ...fileSteps,
      writeNew: async (...args) => {
        await fileSteps.writeNew(...args)
        await writeFile(path.value, 'theirs')
      },
    }
    const b = await bench({ steps })
    path.value = b.path
    expect(await prove(b)).toContain('STORE_CONFLICT')
    expect(await readFile(b.path, 'utf8')).toBe('theirs')
    expect(readdirSync(b.directory)).toEqual(['seed'])
  })

  it('meets a document that is gone, or is a directory now', async () => {
    const b = await bench()
    await fileSteps.remove(b.path)
    expect(await prove(b)).toContain('STORE_CONFLICT')
    await mkdir(b.path)
    expect(await prove(b)).toContain('STORE_CONFLICT')
  })

  it('harms nothing by a death between any two steps', async () => {
    for (let diesAt = 1; ; diesAt += 1) {
      const { steps, calls } = mortal(fileSteps, { diesAt })
      const b = await bench({ steps })
      await prove(b).catch((error: unknown) => {
        if (!(error instanceof Death)) throw error
      })
      expect(await readFile(b.path, 'utf8')).toBe(b.text)
      const alive = new FileRefreshTokenStore({ baseDirectory: '/nowhere', ...noMeasures })
      expect(await prove({ ...b, store: alive })).toBe('ok')
      expect(readdirSync(b.directory)).toEqual(['seed'])
      if (calls() < diesAt) {
        expect(diesAt).toBeGreaterThan(2)
        break
      }
    }
  })
})

it('a file has no room for a claim, even where one seems to be', async () => {
  const { base, store, directory } = await bench()
  expect(base).not.toHaveProperty('claim')
  await expect(store.claim(fileLocation({ directory, key: 'seed' }))).rejects.toThrow('no room')
})
