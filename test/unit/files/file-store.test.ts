import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { chmod, chown, link, lstat, mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, it } from 'vitest'
import { FileRefreshTokenStore, type FileStoreOptions } from '../../../src/adapters/files/file-store.ts'
import { type FileSteps, fileSteps } from '../../../src/adapters/files/file-steps.ts'
import { claimFile } from '../../../src/adapters/files/process-claim.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { StoredRefreshToken } from '../../../src/ports/refresh-token-store.ts'
import { canary } from '../../support/canary.ts'
import { fileLocation, noMeasures } from './file-location.ts'
import { Death, errnoError, mortal } from './mortal.ts'
import { said } from './said.ts'
import { temporaryDirectory, temporaryDirectoryInMemory } from './temporary-directory.ts'

interface Bench {
  readonly directory: string
  readonly path: string
  readonly token: string
  readonly next: string
  readonly store: FileRefreshTokenStore
}

/** A directory with one document, `seed`, whose text is the token alone. */
async function bench(options: Partial<FileStoreOptions> = {}): Promise<Bench> {
  const directory = await temporaryDirectory()
  const token = canary('rt')
  const path = join(directory, 'seed')
  await writeFile(path, `${token}\n`, { mode: 0o600 })
  const store = new FileRefreshTokenStore({ baseDirectory: '/nowhere', ...noMeasures, ...options })
  return { directory, path, token, next: canary('rt'), store }
}

async function base(
  { store, directory }: Pick<Bench, 'store' | 'directory'>,
  key = 'seed',
): Promise<StoredRefreshToken> {
  const read = await store.read(fileLocation({ directory, key }))
  if (!read.ok) throw new Error(read.failure.message)
  return read.value
}

async function rotate({ store, directory, next }: Bench, from: StoredRefreshToken, key = 'seed'): Promise<string> {
  return said(store.writeBack(fileLocation({ directory, key }), from, { refreshToken: new Sensitive(next) }))
}

describe('a key of a store of files', () => {
  it.each([
    ['/etc/hostname', 'an absolute path'],
    ['../outside', 'a path that leads out'],
    ['sub/../seed', 'a way round'],
    ['./seed', 'a way round'],
    ['sub//seed', 'a way round'],
    ['sub/', 'a directory by its end'],
    ['', 'nothing'],
    ['seed\0', 'a text that no file has for a name'],
    ['link-out', 'a link that leads out'],
    ['sub-out/token', 'a link on the way that leads out'],
    ['absolute-link', 'a link with an absolute target outside'],
  ])('%j is refused: %s', async (key) => {
    const { directory, store } = await bench()
    const outside = await temporaryDirectory()
    await mkdir(join(directory, 'sub'))
    await writeFile(join(outside, 'token'), canary('rt'))
    await symlink(`../${outside.split('/').at(-1)}/token`, join(directory, 'link-out'))
    await symlink(outside, join(directory, 'sub-out'))
    await symlink(join(outside, 'token'), join(directory, 'absolute-link'))
    expect(await said(store.read(fileLocation({ directory, key })))).toBe(
      `STORE_FORBIDDEN: The document "${key}" of TokenStore ci/files is not a file below the store's directory. ` +
        'Grant the operator read and write on this key; it is tried again every minute.',
    )
  })

  it('may name a file in a folder, or a link that stays inside', async () => {
    const { directory, store, token } = await bench()
    await mkdir(join(directory, 'teams/ci'), { recursive: true })
    await symlink('../../seed', join(directory, 'teams/ci/claude'))
    expect((await base({ store, directory }, 'teams/ci/claude')).refreshToken.reveal()).toBe(token)
  })

  it('does not reach a neighbour whose name begins like the directory', async () => {
    const { directory, store } = await bench()
    await mkdir(join(directory, 'tokens'))
    await mkdir(join(directory, 'tokens-other'))
    await writeFile(join(directory, 'tokens-other/x'), canary('rt'))
    await symlink('../tokens-other/x', join(directory, 'tokens/x'))
    const location = fileLocation({ directory: join(directory, 'tokens'), key: 'x' })
    expect(await said(store.read(location))).toContain('STORE_FORBIDDEN')
  })

  it.each([
    ['a folder', 'REFRESH_TOKEN_MALFORMED: The document "odd" of TokenStore ci/files is not a regular file.'],
    ['a pipe', 'REFRESH_TOKEN_MALFORMED: The document "odd" of TokenStore ci/files is not a regular file.'],
    ['bytes', 'REFRESH_TOKEN_MALFORMED: The document "odd" of TokenStore ci/files is not UTF-8 text.'],
    [
      'a large file',
      'REFRESH_TOKEN_MALFORMED: The document "odd" of TokenStore ci/files is larger than 1048576 bytes.',
    ],
    ['no file', 'REFRESH_TOKEN_MISSING: The document "odd" of TokenStore ci/files does not exist.'],
    ['an empty file', 'REFRESH_TOKEN_MISSING: The document "odd" of TokenStore ci/files is empty.'],
    [
      'a loop of links',
      'REFRESH_TOKEN_MALFORMED: The document "odd" of TokenStore ci/files could not be read: it leads',
    ],
  ])('that names %s is told apart', async (what, message) => {
    const { directory, store } = await bench()
    const path = join(directory, 'odd')
    const make: Readonly<Record<string, () => Promise<unknown>>> = {
      'a folder': () => mkdir(path),
      'a pipe': () => once(spawn('mkfifo', [path]), 'exit'),
      bytes: () => writeFile(path, Buffer.from([0x72, 0xff, 0xfe])),
      'a large file': () => writeFile(path, 'x'.repeat((1 << 20) + 1)),
      'an empty file': () => writeFile(path, '\n'),
      'a loop of links': () => symlink('odd', path),
    }
    await make[what]?.()
    expect(await said(store.read(fileLocation({ directory, key: 'odd' })))).toContain(message)
  })
})

describe('a write-back to a file', () => {
  it('keeps its permissions and its owner', async () => {
    const b = await bench()
    await chmod(b.path, 0o640)
    if (process.getuid?.() === 0) await chown(b.path, 1234, 2345)
    const before = await stat(b.path)
    expect(await rotate(b, await base(b))).toBe('ok')
    const after = await stat(b.path)
    expect(await readFile(b.path, 'utf8')).toBe(`${b.next}\n`)
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid])
    expect(after.ino).not.toBe(before.ino)
  })

  it('replaces the file that a link leads to, and not the link', async () => {
    const b = await bench()
    await symlink('seed', join(b.directory, 'link'))
    expect(await rotate(b, await base(b, 'link'), 'link')).toBe('ok')
    expect((await lstat(join(b.directory, 'link'))).isSymbolicLink()).toBe(true)
    expect(await readlink(join(b.directory, 'link'))).toBe('seed')
    expect(await readFile(b.path, 'utf8')).toBe(`${b.next}\n`)
  })

  it('leaves nothing beside the file', async () => {
    const b = await bench()
    await rotate(b, await base(b))
    expect(readdirSync(b.directory)).toEqual(['seed'])
  })

  it('finds the document gone', async () => {
    const b = await bench()
    const from = await base(b)
    await link(b.path, join(b.directory, 'kept'))
    await fileSteps.remove(b.path)
    expect(await rotate(b, from)).toContain(
      'STORE_CONFLICT: The document "seed" of TokenStore ci/files is not what it was',
    )
    expect(readdirSync(b.directory)).toEqual(['kept'])
  })

  it('sees a foreign write that comes between its look and its rename', async () => {
    const theirs = canary('rt')
    const path = { value: '' }
    const steps: FileSteps = {
      ...fileSteps,
      writeNew: async (...args) => {
        await fileSteps.writeNew(...args)
        await writeFile(path.value, theirs)
      },
    }
    const b = await bench({ steps })
    path.value = b.path
    expect(await rotate(b, await base(b))).toContain('STORE_CONFLICT')
    expect(await readFile(b.path, 'utf8')).toBe(theirs)
    expect(readdirSync(b.directory)).toEqual(['seed'])
  })

  it('leaves the old document or the new one, whole, after a death between any two steps, and the next one goes through', async () => {
    for (let diesAt = 1; ; diesAt += 1) {
      const directory = await temporaryDirectoryInMemory()
      const [token, next, later] = [canary('rt'), canary('rt'), canary('rt')]
      await writeFile(join(directory, 'seed'), token)
      const lastBreath = async (name: string, [path, content]: readonly unknown[]): Promise<void> => {
        if (name === 'writeNew') await writeFile(path as string, (content as string).slice(0, 9))
      }
      const { steps, calls } = mortal(fileSteps, { diesAt, lastBreath })
      const store = new FileRefreshTokenStore({ baseDirectory: directory, ...noMeasures, steps })
      const dead: Bench = { directory, path: join(directory, 'seed'), token, next, store }
      const from = await base(dead)
      await rotate(dead, from).catch((error: unknown) => {
        if (!(error instanceof Death)) throw error
      })
      if (calls() < diesAt) {
        expect(diesAt).toBeGreaterThan(3)
        break
      }
      expect([token, next]).toContain(await readFile(dead.path, 'utf8'))
      const alive = new FileRefreshTokenStore({ baseDirectory: directory, ...noMeasures })
      expect(await rotate({ ...dead, store: alive, next: later }, await base({ ...dead, store: alive }))).toBe('ok')
      expect(readdirSync(directory)).toEqual(['seed'])
    }
  })

  it.each([
    [
      'writeNew',
      'ENOSPC',
      'STORE_UNAVAILABLE: The document "seed" of TokenStore ci/files could not be written: no space',
    ],
    [
      'writeNew',
      'EROFS',
      'STORE_FORBIDDEN: The document "seed" of TokenStore ci/files could not be written: the file system',
    ],
    ['writeNew', 'EACCES', 'STORE_FORBIDDEN'],
    ['move', 'EPERM', 'STORE_FORBIDDEN'],
    [
      'move',
      'EIO',
      'STORE_WRITE_UNKNOWN: The document "seed" of TokenStore ci/files may or may not have been written: the',
    ],
    ['sync', 'EIO', 'STORE_WRITE_UNKNOWN'],
  ] as const)('that is refused at %s with %s says so', async (step, code, message) => {
    const steps: FileSteps = { ...fileSteps, [step]: () => Promise.reject(errnoError(code)) }
    const b = await bench({ steps })
    expect(await rotate(b, await base(b))).toContain(message)
    expect(await readFile(b.path, 'utf8')).toBe(`${step === 'sync' ? b.next : b.token}\n`)
  })

  it('waits for another writer, and says who it is when that takes too long', async () => {
    const b = await bench({ patienceMs: 400 })
    const from = await base(b)
    const claimed = claimFile(b.path)
    if (claimed.kind !== 'held') throw new Error(claimed.by)
    const written = rotate(b, from)
    setTimeout(() => claimed.claim.release(), 60)
    expect(await written).toBe('ok')

    const again = claimFile(b.path)
    const refused = await rotate({ ...b, next: canary('rt') }, await base(b))
    expect(refused).toContain(
      'STORE_UNAVAILABLE: The document "seed" of TokenStore ci/files is being written by this process.',
    )
    if (again.kind === 'held') again.claim.release()
  })

  it('measures each call', async () => {
    const seen: unknown[] = []
    let now = 0
    const clock = { monotonicMs: () => (now += 250) }
    const b = await bench({ clock, metrics: { storeRequest: (...args) => void seen.push(args) } })
    await rotate(b, await base(b))
    await b.store.read(fileLocation({ directory: b.directory, key: 'none' }))
    expect(seen).toEqual([
      ['file', 'read', true, 0.25],
      ['file', 'write', true, 0.25],
      ['file', 'read', false, 0.25],
    ])
    expect(statSync(b.path).mode & 0o777).toBe(0o600)
  })
})
