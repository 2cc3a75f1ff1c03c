import { lstatSync, renameSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openIdentifiedJournal } from '../../../src/adapters/files/journal-id.ts'
import { LoneHolder } from '../../../src/adapters/files/lone-holder.ts'
import { said } from './said.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** One life of a process with this journal. */
async function idOf(file: string): Promise<string> {
  const opened = await openIdentifiedJournal({ file, durability: 'disk' })
  if (!opened.ok) throw new Error(opened.failure.message)
  await opened.value.journal.close()
  return opened.value.journalId
}

describe('the id of a journal', () => {
  test('stays as long as the journal does', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const first = await idOf(file)
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(await idOf(file)).toBe(first)
    expect(lstatSync(`${file}.id`).mode & 0o777).toBe(0o600)
  })

  test('is another one for every journal', async () => {
    const directory = await temporaryDirectory()
    expect(await idOf(join(directory, 'one'))).not.toBe(await idOf(join(directory, 'other')))
  })

  test('goes with a journal that somebody moved away', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'journal')
    const first = await idOf(file)
    renameSync(file, join(directory, 'old'))
    const second = await idOf(file)
    expect(second).not.toBe(first)
    expect(await idOf(file)).toBe(second)
  })

  const spoilt: Readonly<Record<string, (path: string) => Promise<void>>> = {
    'is gone': (path) => rm(path),
    'is empty': (path) => writeFile(path, ''),
    'holds something else': (path) => writeFile(path, 'operator-0\n'),
  }

  test.each(Object.entries(spoilt))('is made anew when its file %s', async (_what, spoil) => {
    const file = join(await temporaryDirectory(), 'journal')
    const first = await idOf(file)
    await spoil(`${file}.id`)
    const second = await idOf(file)
    expect(second).toMatch(/^[0-9a-f]{32}$/)
    expect(second).not.toBe(first)
    expect(await idOf(file)).toBe(second)
  })

  test('survives a process that died while it made one', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    await writeFile(`${file}.id.new`, 'abc')
    expect(await readFile(`${file}.id`, 'utf8').catch(() => '')).toBe('')
    const first = await idOf(file)
    expect(await idOf(file)).toBe(first)
  })

  const unusable: Readonly<Record<string, (path: string) => Promise<void>>> = {
    'a link': (path) => symlink('/dev/null', path),
    'a directory': async (path) => {
      await mkdir(path)
      await writeFile(join(path, 'x'), '')
    },
  }

  test.each(Object.entries(unusable))('is not taken from %s, and the journal is let go', async (_what, make) => {
    const file = join(await temporaryDirectory(), 'journal')
    await idOf(file)
    await rm(`${file}.id`)
    await make(`${file}.id`)
    const text = await said(openIdentifiedJournal({ file, durability: 'disk' }))
    expect(text).toContain(`JOURNAL_UNAVAILABLE: Using ${file}.id, the id of the refresh journal, failed: `)
    await rm(`${file}.id`, { recursive: true })
    expect(await idOf(file)).toMatch(/^[0-9a-f]{32}$/)
  })

  test('is not given to a second process', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const opened = await openIdentifiedJournal({ file, durability: 'disk' })
    const text = await said(openIdentifiedJournal({ file, durability: 'disk' }))
    expect(text).toContain(`JOURNAL_UNAVAILABLE: The refresh journal ${file} is used by this process.`)
    if (opened.ok) {
      await opened.value.journal.close()
      expect(await idOf(file)).toBe(opened.value.journalId)
    }
  })

  test('can be read whoever may read it', async () => {
    const file = join(await temporaryDirectory(), 'journal')
    const first = await idOf(file)
    await chmod(`${file}.id`, 0o644)
    expect(await idOf(file)).toBe(first)
  })
})

test('outside of a cluster nobody is ever certain to be gone', async () => {
  const holders = new LoneHolder('self')
  expect(holders.self).toEqual({ journalId: 'self' })
  expect(await holders.isGone()).toEqual({ ok: true, value: false })
})
