import { randomBytes } from 'node:crypto'
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { classifyFileError, isMissing } from './file-error.ts'
import { journalSteps } from './journal-steps.ts'
import { isOurs } from './private-directory.ts'
import { type FileRefreshJournal, type JournalOptions, openRefreshJournal } from './refresh-journal.ts'

export interface IdentifiedJournal {
  readonly journal: FileRefreshJournal
  /** 32 hexadecimal digits, random: the same for as long as it is the same journal. */
  readonly journalId: string
}

const idPattern = /^[0-9a-f]{32}\n$/

/**
 * Opens the journal, and tells its id, which is kept in a file beside it.
 *
 * The id stands for what the journal remembers: of an intent of this id the journal tells how far it was
 * carried out. So a journal that is made anew, because somebody moved the old one away, gets
 * an id of its own.
 *
 * Failures: as {@link openRefreshJournal}; JOURNAL_UNAVAILABLE also when the file of the id cannot be
 * used.
 */
export async function openIdentifiedJournal(options: JournalOptions): Promise<Result<IdentifiedJournal>> {
  const wasThere = existsSync(options.file)
  const opened = await openRefreshJournal(options)
  if (!opened.ok) return opened
  const path = `${options.file}.id`
  try {
    const journalId = (wasThere ? readId(path) : undefined) ?? makeId(path)
    return ok({ journal: opened.value, journalId })
  } catch (error) {
    await opened.value.close()
    const what = `Using ${path}, the id of the refresh journal, failed: ${classifyFileError(error).cause}.`
    return failed(failure('JOURNAL_UNAVAILABLE', what))
  }
}

/** Undefined for a file that is missing, and for one that holds no id of ours: whoever had it is another holder then. */
function readId(path: string): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(fd)
      const text = stats.isFile() && isOurs(stats.uid) && stats.size < 1024 ? readFileSync(fd, 'utf8') : ''
      return idPattern.test(text) ? text.trim() : undefined
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The journal's claim is held meanwhile, so nobody else makes one. */
function makeId(path: string): string {
  const id = randomBytes(16).toString('hex')
  const draft = `${path}.new`
  journalSteps.remove(draft)
  const fd = journalSteps.create(draft)
  try {
    journalSteps.write(fd, Buffer.from(`${id}\n`))
    journalSteps.sync(fd)
  } finally {
    journalSteps.close(fd)
  }
  journalSteps.rename(draft, path)
  journalSteps.syncDirectory(dirname(path))
  return id
}
