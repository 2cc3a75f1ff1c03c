import { randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { classifyFileError, type FileError } from './file-error.ts'
import type { FileSteps } from './file-steps.ts'
import { claimFile, type ProcessClaim } from './process-claim.ts'
import { type FileDocument, readDocument, versionOf } from './store-document.ts'

export interface Replacement {
  /** The file itself, never a link to it. */
  readonly path: string
  readonly baseVersion: string
  readonly content: string
  readonly steps: FileSteps
  /** Milliseconds to wait for another process that is writing the file; a write takes a few. */
  readonly patienceMs: number
}

export type ReplaceOutcome =
  | { readonly kind: 'written' }
  /** Another content than the base's is there; nothing was written. */
  | { readonly kind: 'conflict' }
  /** Another process was writing the file for too long; `by` says which. */
  | { readonly kind: 'busy'; readonly by: string }
  | { readonly kind: 'refused'; readonly error: FileError }
  /** The new content may be there, or may not last. */
  | { readonly kind: 'unknown'; readonly error: FileError }

const claimPollMs = 10
/** Older claims of another machine are left over: nobody holds one for so long. */
const foreignExpiryMs = 60_000

/**
 * Compare-and-set of a file: in its place, under its name, with its permissions and its owner where
 * the system allows that. Readers see the old content or the new, never a part. Writing what is
 * already there succeeds.
 *
 * Processes of this operator exclude each other with a claim. Other programs know nothing of it: one
 * that writes between the last look and the rename is overwritten. That takes microseconds, and no
 * file system has a call that would close the gap.
 */
export function replaceDocument(replacement: Replacement): Promise<ReplaceOutcome> {
  return claimed(replacement, replaceClaimed)
}

/**
 * Does all that {@link replaceDocument} does, up to the rename: the claim, the look, and a draft on the
 * disk, which is then removed. `written` means that the content could be written; nothing has changed.
 */
export function proveReplaceable(replacement: Replacement): Promise<ReplaceOutcome> {
  return claimed(replacement, proveClaimed)
}

async function claimed(
  replacement: Replacement,
  work: (replacement: Replacement) => Promise<ReplaceOutcome>,
): Promise<ReplaceOutcome> {
  try {
    const claim = await waitForClaim(replacement)
    if (typeof claim === 'string') return { kind: 'busy', by: claim }
    try {
      return await work(replacement)
    } finally {
      claim.release()
    }
  } catch (error) {
    return { kind: 'refused', error: classifyFileError(error) }
  }
}

async function waitForClaim({ path, patienceMs }: Replacement): Promise<ProcessClaim | string> {
  for (let waited = 0; ; waited += claimPollMs) {
    const outcome = claimFile(path, { foreignExpiryMs })
    if (outcome.kind === 'held') return outcome.claim
    if (waited >= patienceMs) return outcome.by
    await sleep(claimPollMs * (0.5 + Math.random()))
  }
}

async function replaceClaimed(replacement: Replacement): Promise<ReplaceOutcome> {
  const { path, baseVersion, content, steps } = replacement
  const current = await readDocument(path)
  if ('problem' in current) return { kind: 'conflict' }
  // Synced again, because an earlier try may have failed at just that.
  if (current.version === versionOf(content)) return lasting(path, steps)
  if (current.version !== baseVersion) return { kind: 'conflict' }
  return draft(replacement, current, (file) => putInPlace(file, path, steps))
}

async function proveClaimed(replacement: Replacement): Promise<ReplaceOutcome> {
  const { path, baseVersion, steps } = replacement
  const current = await readDocument(path)
  if ('problem' in current || current.version !== baseVersion) return { kind: 'conflict' }
  return draft(replacement, current, async () => {
    await removeDrafts(path, steps)
    return { kind: 'written' }
  })
}

/** Puts the content beside the file, and hands it on if the file has not changed meanwhile. */
async function draft(
  { path, content, steps }: Replacement,
  current: FileDocument,
  use: (file: string) => Promise<ReplaceOutcome>,
): Promise<ReplaceOutcome> {
  await removeDrafts(path, steps)
  const file = join(dirname(path), `${draftPrefix(path)}${randomBytes(6).toString('hex')}`)
  const { mode, uid, gid } = current.stats
  const owner = { uid: Number(uid), gid: Number(gid) }
  try {
    await steps.writeNew(file, content, { mode: Number(mode) & 0o777, owner })
    if (await isUnchanged(path, current)) return await use(file)
  } catch (error) {
    await removeDrafts(path, steps)
    throw error
  }
  await removeDrafts(path, steps)
  return { kind: 'conflict' }
}

async function putInPlace(file: string, path: string, steps: FileSteps): Promise<ReplaceOutcome> {
  try {
    await steps.move(file, path)
  } catch (error) {
    const classified = classifyFileError(error)
    if (classified.problem === 'denied') throw error
    return { kind: 'unknown', error: classified }
  }
  return lasting(path, steps)
}

async function lasting(path: string, steps: FileSteps): Promise<ReplaceOutcome> {
  try {
    await steps.sync(dirname(path))
    return { kind: 'written' }
  } catch (error) {
    return { kind: 'unknown', error: classifyFileError(error) }
  }
}

async function isUnchanged(path: string, { stats }: FileDocument): Promise<boolean> {
  const now = await stat(path, { bigint: true })
  return now.ino === stats.ino && now.mtimeNs === stats.mtimeNs && now.size === stats.size
}

function draftPrefix(path: string): string {
  return `.${basename(path)}.draft.`
}

/** Only the holder of the claim makes drafts, so all that are found belong to processes that died. They hold tokens. */
async function removeDrafts(path: string, steps: FileSteps): Promise<void> {
  const directory = dirname(path)
  for (const name of await readdir(directory)) {
    if (name.startsWith(draftPrefix(path))) await steps.remove(join(directory, name))
  }
}
