import {
  appendFile,
  chmod,
  copyFile,
  lstat,
  mkdir,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { existsSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { journalSteps } from '../../../src/adapters/files/journal-steps.ts'
import {
  type FileRefreshJournal,
  type JournalOptions,
  openRefreshJournal,
} from '../../../src/adapters/files/refresh-journal.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import type { ResponseForm } from '../../../src/domain/provider.ts'
import { answeredEntry, entryText, play, stateAfter, stateOf } from './journal-script.ts'
import { Death, mortal, refusing } from './mortal.ts'
import { said } from './said.ts'
import { temporaryDirectory, temporaryDirectoryInMemory } from './temporary-directory.ts'

const small = { durability: 'disk', compactAboveBytes: 2500, reserveBytes: 4096 } as const

async function opened(options: JournalOptions): Promise<FileRefreshJournal> {
  const result = await openRefreshJournal(options)
  if (!result.ok) throw new Error(result.failure.message)
  return result.value
}

/** The journal as another machine's process would find it after this one died: the files, without their claims. */
async function survivor(file: string): Promise<string> {
  const directory = await temporaryDirectory()
  for (const name of readdirSync(join(file, '..'))) {
    if (!name.includes('.claim.')) await copyFile(join(file, '..', name), join(directory, name))
  }
  return join(directory, 'journal')
}

async function statesOnDisk(file: string) {
  const journal = await opened({ file: await survivor(file), ...small })
  const state = stateOf(journal)
  await journal.close()
  return state
}

describe('a refresh journal', () => {
  it('holds every entry whole after it is opened again', async () => {
    const file = join(await temporaryDirectory(), 'state', 'journal')
    const token = canary('rt')
    const first = await opened({ file, durability: 'disk' })
    for (let step = 0; step < 5; step += 1)
      expect(await play(first, step, token)).toEqual({ ok: true, value: undefined })
    expect(stateOf(first)).toEqual(stateAfter(5, token))
    await first.close()

    const second = await opened({ file, durability: 'disk' })
    expect(stateOf(second)).toEqual(stateAfter(5, token))
    observeOutput('pending', JSON.stringify(second.pending('uid-0')))
    await second.close()
  })

  it('keeps file and directory from others', async () => {
    const file = join(await temporaryDirectory(), 'state', 'journal')
    const journal = await opened({ file, durability: 'process' })
    await journal.sent({ ...answeredEntry('uid-0', 1, 'x'), phase: 'sent' })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700)
    expect((await stat(`${file}.reserve`)).mode & 0o777).toBe(0o600)
    await journal.close()
    await chmod(file, 0o644)
    await (await opened({ file, durability: 'process' })).close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  const shared: Record<string, [make: (directory: string) => Promise<void>, problem: string]> = {
    'is a link': [
      async (directory) => {
        await mkdir(`${directory}.elsewhere`)
        await symlink(`${directory}.elsewhere`, directory)
      },
      'is a link',
    ],
    'others may write into': [
      async (directory) => {
        await mkdir(directory)
        await chmod(directory, 0o770)
      },
      'may be written into by other users',
    ],
  }
  it.each(Object.entries(shared))('is not opened in a directory that %s, where it must be private', async (_, how) => {
    const [make, problem] = how
    const directory = join(await temporaryDirectory(), 'state')
    await make(directory)
    const file = join(directory, 'journal')
    const refused = await openRefreshJournal({ file, durability: 'process', private: true })
    expect(refused).toMatchObject({ ok: false, failure: { code: 'JOURNAL_UNAVAILABLE' } })
    expect(refused.ok ? '' : refused.failure.message).toContain(
      `The directory ${directory} of the refresh journal ${problem}`,
    )
    expect(readdirSync(directory)).toEqual([])
    await (await opened({ file, durability: 'process' })).close()
  })

  it('is opened in a private directory that it makes, and again', async () => {
    const file = join(await temporaryDirectory(), 'state', 'journal')
    for (let life = 0; life < 2; life += 1) await (await opened({ file, durability: 'process', private: true })).close()
  })

  it('belongs to the user that the process runs as, and so does its private directory', async () => {
    const directory = join(await temporaryDirectory(), 'state')
    const file = join(directory, 'journal')
    await (await opened({ file, durability: 'process' })).close()
    const user = vi.spyOn(process, 'geteuid').mockReturnValue(4_000_000)
    onTestFinished(() => user.mockRestore())
    const told = []
    for (const isPrivate of [true, false]) {
      const refused = await openRefreshJournal({ file, durability: 'process', private: isPrivate })
      told.push(refused.ok ? '' : refused.failure.message)
    }
    expect(told[0]).toContain(`The directory ${directory} of the refresh journal belongs to another user`)
    expect(told[1]).toContain(`The refresh journal ${file} belongs to another user`)
  })

  it('never writes its reserve through a link', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'journal')
    await writeFile(join(directory, 'victim'), 'precious')
    await symlink(join(directory, 'victim'), `${file}.reserve`)
    const journal = await opened({ file, ...small })
    expect(await journal.sent({ ...answeredEntry('uid-0', 1, 'x'), phase: 'sent' })).toMatchObject({ ok: true })
    expect(await readFile(join(directory, 'victim'), 'utf8')).toBe('precious')
    expect((await lstat(`${file}.reserve`)).isFile()).toBe(true)
    await journal.close()
  })

  it('leaves no token in the file once nothing is unsettled', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const token = canary('rt')
    const journal = await opened({ file, durability: 'disk' })
    await journal.answered(answeredEntry('a', 1, token))
    await journal.answered(answeredEntry('b', 1, token))
    await journal.settled('a')
    await journal.settled('nobody')
    expect(await readFile(file, 'utf8')).toContain(token)
    await journal.settled('b')
    observeOutput('journal', await readFile(file, 'utf8'))
    expect((await stat(file)).size).toBe(0)
    await journal.close()
  })

  it('keeps answers of any text, and everything that came with them', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const entry = answeredEntry('a', 7, `\u0000"\\\ud800${'é'.repeat(130_000)}`)
    const full = { ...entry, answer: { ...entry.answer, retryAfter: '120', complete: false } }
    const journal = await opened({ file, durability: 'process' })
    await journal.answered(full)
    await journal.close()
    const again = await opened({ file, durability: 'process' })
    const found = again.pending('a')
    expect(found && entryText(found)).toBe(entryText(full))
    await again.close()
  })

  it('keeps how the provider answers that was asked', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const response: ResponseForm = {
      accessToken: '/data/access_token',
      refreshToken: '/data/refresh_token',
      expiresIn: '/data/left',
      refreshTokenExpiresIn: '/data/days',
      error: '/error/code',
      success: { pointer: '/ok', value: true },
      errors: [
        { code: 'gone', status: 410, meaning: 'RefreshTokenRejected' },
        { status: 503, meaning: 'Unavailable' },
      ],
    }
    const journal = await opened({ file, durability: 'process' })
    const asked = { response, provider: 'OAuthProvider ci/gateway', announced: false }
    await journal.answered({ ...answeredEntry('a', 7, 'x'), ...asked })
    await journal.close()
    const again = await opened({ file, durability: 'process' })
    expect(again.pending('a')).toMatchObject({ phase: 'answered', ...asked })
    await again.close()
  })

  it('drops the torn end of the last record, wherever it is torn, and nothing else', async () => {
    const file = join(await temporaryDirectoryInMemory(), 'journal')
    const token = canary('rt')
    const journal = await opened({ file, durability: 'process', reserveBytes: 0 })
    await play(journal, 0, token)
    await play(journal, 1, token)
    const whole = (await stat(file)).size
    await play(journal, 2, token)
    await play(journal, 3, token)
    await journal.close()
    const end = (await stat(file)).size
    const content = await readFile(file)
    const states = [stateAfter(2, token), stateAfter(3, token), stateAfter(4, token)]
    for (let size = end - 1; size >= whole; size -= 1) {
      await truncate(file, size)
      const torn = await opened({ file, durability: 'process', reserveBytes: 0 })
      expect(states).toContainEqual(stateOf(torn))
      await torn.close()
      await writeFile(file, content)
    }
    await truncate(file, end - 1)
    await appendFile(file, Buffer.alloc(4096))
    const padded = await opened({ file, durability: 'process', reserveBytes: 0 })
    expect(stateOf(padded)).toEqual(stateAfter(3, token))
    expect(await play(padded, 3, token)).toMatchObject({ ok: true })
    await padded.close()
    expect(await statesOnDisk(file)).toEqual(stateAfter(4, token))
  })

  it('refuses to open where something else than the end is unreadable, and names file and byte', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const journal = await opened({ file, durability: 'process' })
    await journal.answered(answeredEntry('a', 1, canary('rt')))
    await journal.answered(answeredEntry('b', 1, canary('rt')))
    await journal.close()
    const content = await readFile(file)
    content[40] = (content[40] ?? 0) ^ 1
    await writeFile(file, content)
    expect(await said(openRefreshJournal({ file, durability: 'process' }))).toContain(
      `JOURNAL_UNAVAILABLE: The refresh journal ${file} is damaged at byte 0; move it away`,
    )
    expect(await readFile(file)).toEqual(content)
  })

  it.each([
    ['other text', 'client: secret\n', 'is not a journal from byte 0 on'],
    ['the records of a later format', 'J3 00000002 00000000 {}\n', 'is not a journal from byte 0 on'],
    [
      'a whole record that it does not know',
      recordLine('{"phase":"other"}'),
      'has a record at byte 0 that this version does not understand',
    ],
  ])('does not touch a file with %s', async (_, text, problem) => {
    const file = join(await temporaryDirectory(), 'journal')
    await writeFile(file, text)
    expect(await said(openRefreshJournal({ file, durability: 'process' }))).toContain(problem)
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it('does not take a directory or a link for its file', async () => {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, 'directory'))
    await symlink(join(directory, 'elsewhere'), join(directory, 'link'))
    const open = (name: string) => said(openRefreshJournal({ file: join(directory, name), durability: 'process' }))
    expect(await open('directory')).toContain('it is a directory (EISDIR)')
    expect(await open('link')).toContain('it leads through too many links (ELOOP)')
    expect(readdirSync(directory).toSorted()).toEqual(['directory', 'link'])
  })
})

function recordLine(json: string): string {
  const [length, checksum] = [json.length, crc32(json)].map((value) => value.toString(16).padStart(8, '0'))
  return `J2 ${length} ${checksum} ${json}\n`
}

describe('a refresh journal whose process dies', () => {
  it('has every acknowledged entry after a death between any two calls of the file system, compaction included', async () => {
    const steps = 40
    let deaths = 0
    for (let diesAt = 1; ; diesAt += 1) {
      const token = canary('rt')
      const file = join(await temporaryDirectoryInMemory(), 'journal')
      const mortalSteps = mortal(journalSteps, {
        diesAt,
        lastBreath: (name, [fd, bytes]) => {
          if (name === 'write') writeSync(fd as number, (bytes as Buffer).subarray(0, 30))
        },
      })
      const acknowledged = await playUntilDeath({ file, ...small, steps: mortalSteps.steps }, { steps, token })
      if (acknowledged === steps) {
        expect(deaths).toBeGreaterThan(100)
        break
      }
      deaths += 1
      const possible = [stateAfter(acknowledged, token), stateAfter(acknowledged + 1, token)]
      expect(possible, `death at call ${diesAt}`).toContainEqual(await statesOnDisk(file))
    }
  })

  async function playUntilDeath(options: JournalOptions, story: { steps: number; token: string }): Promise<number> {
    let acknowledged = 0
    try {
      const journal = await opened(options)
      for (; acknowledged < story.steps; acknowledged += 1) {
        const result = await play(journal, acknowledged, story.token)
        expect(result.ok).toBe(true)
      }
      await journal.close()
    } catch (error) {
      if (!(error instanceof Death)) throw error
    }
    return acknowledged
  }
})

describe('a refresh journal on a file system that refuses', () => {
  it('agrees with its file after every single refusal, and goes on', async () => {
    for (const name of ['write', 'sync', 'truncate', 'create', 'rename', 'syncDirectory', 'isNamed'] as const) {
      for (let nth = 1; nth <= 14; nth += 1) await playWithRefusal(name, nth)
    }
  })

  async function playWithRefusal(name: string, nth: number): Promise<void> {
    const token = canary('rt')
    const file = join(await temporaryDirectoryInMemory(), 'journal')
    const steps = refusing(journalSteps, (called, count) => (called === name && count === nth ? 'EIO' : undefined))
    const result = await openRefreshJournal({ file, ...small, steps })
    if (!result.ok) return
    for (let step = 0; step < 30; step += 1) {
      const played = await play(result.value, step, token)
      if (!played.ok) expect((await play(result.value, step, token)).ok).toBe(true)
    }
    expect(await statesOnDisk(file), `${name} ${nth}`).toEqual(stateAfter(30, token))
    await result.value.close()
  }

  it('takes no refusal of a new request for a record of it', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const full = { write: 'ENOSPC', create: 'ENOSPC' } as Readonly<Record<string, string>>
    const journal = await opened({ file, ...small, steps: refusing(journalSteps, (name) => full[name]) })
    expect(await said(journal.sent({ ...answeredEntry('a', 1, 'x'), phase: 'sent' }))).toBe(
      `JOURNAL_UNAVAILABLE: Writing the refresh journal ${file} failed: no space is left (ENOSPC). ` +
        'No refresh token is sent while its successor could not be kept; free space or mend the journal directory.',
    )
    expect(journal.pending('a')).toBeUndefined()
    await journal.close()
  })

  it('cuts off what a full disk let in of a record, before the next one', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    let full = false
    let truncates = true
    const steps = {
      ...journalSteps,
      create: (path: string) => {
        if (full) throw Object.assign(new Error('full'), { code: 'ENOSPC', errno: -28 })
        return journalSteps.create(path)
      },
      write: (fd: number, bytes: Buffer) => {
        if (!full) return journalSteps.write(fd, bytes)
        if (bytes.length < 40) throw Object.assign(new Error('full'), { code: 'ENOSPC', errno: -28 })
        return journalSteps.write(fd, bytes.subarray(0, bytes.length - 20))
      },
      truncate: (fd: number, size: number) => {
        if (!truncates) throw Object.assign(new Error('io'), { code: 'EIO', errno: -5 })
        journalSteps.truncate(fd, size)
      },
    }
    const token = canary('rt')
    const journal = await opened({ file, ...small, steps })
    await play(journal, 0, token)
    full = true
    truncates = false
    expect((await play(journal, 1, token)).ok).toBe(false)
    expect(await statesOnDisk(file)).toEqual(stateAfter(1, token))
    full = false
    truncates = true
    for (let step = 1; step < 6; step += 1) expect((await play(journal, step, token)).ok).toBe(true)
    expect(await statesOnDisk(file)).toEqual(stateAfter(6, token))
    await journal.close()
  })

  it('has room for an answer when the disk filled up after the request', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const room = { left: Number.POSITIVE_INFINITY }
    const steps = {
      ...journalSteps,
      write: (fd: number, bytes: Buffer) => {
        if (bytes.length > room.left) throw Object.assign(new Error('full'), { code: 'ENOSPC', errno: -28 })
        room.left -= bytes.length
        return journalSteps.write(fd, bytes)
      },
      remove: (path: string) => {
        if (path.endsWith('.reserve') && existsSync(path)) room.left += 4096
        journalSteps.remove(path)
      },
    }
    const journal = await opened({ file, ...small, steps })
    const token = canary('rt')
    await journal.sent({ ...answeredEntry('uid-0', 1, token), phase: 'sent' })
    room.left = 0
    expect(await said(journal.answered(answeredEntry('uid-0', 1, token)))).toBe('ok')
    expect((await statesOnDisk(file)).get('uid-0')).toBe(entryText(answeredEntry('uid-0', 1, token)))
    await journal.close()
  })

  it('moves to a new file when somebody removed or replaced the old one', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'journal')
    const token = canary('rt')
    const journal = await opened({ file, durability: 'process' })
    await play(journal, 0, token)
    await writeFile(join(directory, 'other'), '')
    await rename(join(directory, 'other'), file)
    await play(journal, 1, token)
    expect(await statesOnDisk(file)).toEqual(stateAfter(2, token))
    await journal.close()
  })
})
