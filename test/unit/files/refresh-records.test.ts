import { readdirSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FileSteps, fileSteps } from '../../../src/adapters/files/file-steps.ts'
import { FileRefreshRecords } from '../../../src/adapters/files/refresh-records.ts'
import { tokenFingerprint } from '../../../src/adapters/system/token-fingerprint.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { RefreshRecord } from '../../../src/ports/refresh-records.ts'
import { canary } from '../../support/canary.ts'
import { Death, mortal, refusing } from './mortal.ts'
import { said } from './said.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const source = { store: { kind: 'TokenStore', name: 'files' }, key: 'seed' } as const

function aRecord(epoch: number): RefreshRecord {
  const tokens = { refreshToken: new Sensitive(canary('rt')) }
  const retained = { fingerprint: 'e'.repeat(32), source, tokens }
  return {
    uid: 'ci.claude',
    credential: { namespace: 'ci', name: 'claude' },
    epoch,
    generation: epoch,
    retained,
    spent: [],
    version: '',
  }
}

class Bench {
  readonly state: string
  readonly directory: string
  readonly path: string

  constructor(state: string) {
    this.state = state
    this.directory = join(state, 'records')
    this.path = join(this.directory, 'ci.claude.json')
  }

  life(steps: FileSteps = fileSteps): FileRefreshRecords {
    return new FileRefreshRecords({ directory: this.directory, fingerprint: tokenFingerprint, steps })
  }

  async written(record = aRecord(1)): Promise<RefreshRecord> {
    const result = await this.life().replace(record)
    if (!result.ok) throw new Error(result.failure.message)
    return result.value
  }

  /** The uids of the records that a list shows. */
  async listed(): Promise<readonly string[]> {
    const uids: string[] = []
    const text = await said(this.life().list(({ uid }) => uids.push(uid)))
    expect(text).toBe('ok')
    return uids.toSorted()
  }

  async current(): Promise<RefreshRecord | undefined> {
    const result = await this.life().read(aRecord(0))
    if (!result.ok) throw new Error(result.failure.message)
    return result.value
  }
}

const bench = async (): Promise<Bench> => new Bench(await temporaryDirectory())

describe('the files of refresh records', () => {
  test('are for nobody else', async () => {
    const b = await bench()
    await b.written()
    expect(statSync(b.directory).mode & 0o777).toBe(0o700)
    expect(statSync(b.path).mode & 0o777).toBe(0o600)
    await b.written({ ...aRecord(2), version: (await b.current())?.version ?? '' })
    expect(statSync(b.path).mode & 0o777).toBe(0o600)
  })

  test.each(['../escape', 'a/b', '.', '..', '', 'ä', 'x'.repeat(300)])(
    'stay in their directory for uid %j',
    async (uid) => {
      const b = await bench()
      const record = { ...aRecord(3), uid: uid === '' ? ' ' : uid }
      await b.written(record)
      expect(readdirSync(b.state)).toEqual(['records'])
      expect(readdirSync(b.directory)).toEqual([expect.stringMatching(/^sha256-[0-9a-f]{64}\.json$/)])
      const read = await b.life().read(record)
      expect(read.ok && read.value?.epoch).toBe(3)
      expect(await b.listed()).toEqual([record.uid])
    },
  )

  test('are read by a person', async () => {
    const b = await bench()
    await b.written()
    expect((await readFile(b.path, 'utf8')).split('\n')).toContain('    "credential": "ci/claude",')
  })
})

describe('a list of records', () => {
  test('has none before there is a directory', async () => {
    const b = await bench()
    expect(await b.listed()).toEqual([])
    expect(readdirSync(b.state)).toEqual([])
  })

  test('leaves out drafts, claims, copies and whatever else lies there', async () => {
    const b = await bench()
    await b.written()
    await b.written({ ...aRecord(1), uid: 'ci.other' })
    const copies = ['.ci.claude.json.draft.0123456789ab', '.ci.claude.json.claim.a', 'ci.claude.json.bak', 'copy.json']
    for (const name of copies) await copyFile(b.path, join(b.directory, name))
    await writeFile(join(b.directory, 'notes.json'), '{}')
    await mkdir(join(b.directory, 'folder.json'))
    await symlink(b.path, join(b.directory, 'link.json'))
    await symlink('nowhere', join(b.directory, 'dangling.json'))
    expect(await b.listed()).toEqual(['ci.claude', 'ci.other'])
  })

  test('of what is no directory for records fails', async () => {
    const b = await bench()
    await writeFile(b.directory, '')
    const text = `REFRESH_RECORD_UNAVAILABLE: The directory ${b.directory} of the refresh records is not a directory.`
    expect(await said(b.life().list(() => {}))).toContain(text)
  })
})

describe('a process that dies', () => {
  const begins: Readonly<Record<string, (b: Bench) => Promise<string>>> = {
    'making a record': () => Promise.resolve(''),
    'replacing one': async (b) => (await b.written()).version,
  }

  test.each(Object.entries(begins))('while %s leaves the old record or the new one', async (_what, begin) => {
    let left = 0
    for (let diesAt = 1; ; diesAt += 1) {
      const b = await bench()
      const version = await begin(b)
      const { steps } = mortal(fileSteps, { diesAt })
      const life = b.life(steps).replace({ ...aRecord(2), version })
      const died = await life.then(() => false).catch((error: unknown) => error instanceof Death)
      if (!died) break
      left += 1
      const there = await b.current()
      expect([version === '' ? undefined : 1, 2]).toContain(there?.epoch)
      await b.written({ ...aRecord(3), version: there?.version ?? '' })
      await b.written({ ...aRecord(4), version: (await b.current())?.version ?? '' })
      expect((await b.current())?.epoch).toBe(4)
      expect(readdirSync(b.directory)).toEqual(['ci.claude.json'])
    }
    expect(left).toBeGreaterThan(2)
  })
})

describe('a file system that refuses', () => {
  test.each(['makeDirectory', 'writeNew', 'move'])('to %s is told, and nothing is left', async (call) => {
    const b = await bench()
    const steps = refusing(fileSteps, (name) => (name === call ? 'ENOSPC' : undefined))
    const text = await said(b.life(steps).replace(aRecord(1)))
    expect(text).toContain('REFRESH_RECORD_UNAVAILABLE: Writing ')
    expect(text).toContain('ci.claude.json, the refresh record of OAuthCredential ci/claude, failed: no space is left')
    expect(await b.current()).toBeUndefined()
    expect(call === 'makeDirectory' ? [] : readdirSync(b.directory)).toEqual([])
  })

  test('to make a name last is no success', async () => {
    const b = await bench()
    await b.written()
    const { version = '' } = (await b.current()) ?? {}
    const steps = refusing(fileSteps, (name) => (name === 'sync' ? 'EIO' : undefined))
    expect(await said(b.life(steps).replace({ ...aRecord(2), version }))).toContain('It is not known whether ')
  })
})

describe('what is not as it was left', () => {
  const damages: Readonly<Record<string, (b: Bench) => Promise<void>>> = {
    'an empty file': (b) => truncate(b.path),
    'half a file': async (b) => truncate(b.path, Math.floor(statSync(b.path).size / 2)),
    'a link': async (b) => {
      await rm(b.path)
      await symlink('/dev/null', b.path)
    },
    'a directory': async (b) => {
      await rm(b.path)
      await mkdir(b.path)
    },
    'a record of another credential': (b) => edit(b, (text) => text.replace('"ci.claude"', '"ci.other"')),
    'a record of a newer version': (b) => edit(b, (text) => text.replace(/"format": \d/, '"format": 9')),
    'tokens of another form': (b) => edit(b, (text) => text.replace('"refreshToken"', '"refresh"')),
    'tokens of nothing': (b) =>
      edit(b, (text) => {
        const { record, ...rest } = JSON.parse(text) as { record: { retained?: unknown } }
        delete record.retained
        return JSON.stringify({ ...rest, record })
      }),
  }

  test.each(Object.entries(damages))('%s is told, with what to do, and not written over', async (_what, damage) => {
    const b = await bench()
    const { version } = await b.written()
    await damage(b)
    const text = await said(b.life().read(aRecord(0)))
    expect(text).toMatch(/^REFRESH_RECORD_(DAMAGED|UNAVAILABLE): /)
    expect(text).toContain(b.path)
    for (const base of [version, '']) {
      expect(await said(b.life().replace({ ...aRecord(2), version: base }))).toMatch(/^REFRESH_RECORD_/)
    }
    expect(await said(b.life().read(aRecord(0)))).toBe(text)
  })

  test.each(Object.entries(damages))('%s is left out of the list, and the others are shown', async (_what, damage) => {
    const b = await bench()
    await b.written()
    await b.written({ ...aRecord(1), uid: 'ci.beside' })
    await damage(b)
    expect(await b.listed()).toEqual(['ci.beside'])
  })

  test('a directory that others may write into is not used', async () => {
    const b = await bench()
    await b.written()
    await chmod(b.directory, 0o777)
    const text = `REFRESH_RECORD_UNAVAILABLE: The directory ${b.directory} of the refresh records may be written into by other users.`
    expect(await said(b.life().read(aRecord(0)))).toContain(text)
    expect(await said(b.life().replace(aRecord(2)))).toContain(text)
    expect(await said(b.life().list(() => {}))).toContain(text)
  })

  async function edit({ path }: Bench, change: (text: string) => string): Promise<void> {
    const before = await readFile(path, 'utf8')
    const after = change(before)
    expect(after).not.toBe(before)
    await writeFile(path, after)
  }
})
