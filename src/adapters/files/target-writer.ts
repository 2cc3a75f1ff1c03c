import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { keyText } from '../../domain/credential.ts'
import type { Publication } from '../../ports/access-token-sink.ts'
import { isMissing } from './file-error.ts'
import type { FileSteps } from './file-steps.ts'
import { contentHash, dataLink, ownerFile, type TargetDirectory, type TargetOwner } from './target-directory.ts'

type OurDirectory = Extract<TargetDirectory, { kind: 'ours' }>

const draftLink = '..data_new'

/**
 * Writes a publication beside the current one and makes it the current one by renaming a link, as
 * kubelet does for mounted Secrets.
 */
export async function writeTarget(
  path: string,
  publication: Publication,
  found: TargetDirectory,
  steps: FileSteps,
): Promise<void> {
  const previous = found.kind === 'ours' ? found.current : undefined
  await removeLeftovers(path, previous, steps)
  const next = `..${new Date().toISOString().replace(/[-:T]/g, '_').slice(0, 19)}.${randomBytes(5).toString('hex')}`
  await writeFiles(join(path, next), publication, steps)
  await steps.makeLink(next, join(path, draftLink))
  await steps.move(join(path, draftLink), join(path, dataLink))
  await showKeys(path, [...publication.files.keys()], found, steps)
  await steps.sync(path)
}

/** Takes away everything that was published, and the directories that are empty then. */
export async function removeTarget(path: string, found: OurDirectory, steps: FileSteps): Promise<void> {
  for (const key of Object.keys(found.owner.contents)) await removeIfThere(join(path, key), steps)
  await removeIfThere(join(path, dataLink), steps)
  await removeLeftovers(path, undefined, steps)
  for (const directory of [path, dirname(path)]) {
    if ((await readdir(directory)).length > 0) return
    await steps.removeDirectory(directory)
  }
}

async function writeFiles(directory: string, publication: Publication, steps: FileSteps): Promise<void> {
  const { identity, files, digest, expiresAt } = publication
  const contents = [...files].map(([key, content]) => [key, content.reveal()] as const)
  const owner: TargetOwner = {
    credentialUid: identity.credentialUid,
    credential: keyText(identity.credential),
    digest,
    expiresAt,
    contents: Object.fromEntries(contents.map(([key, content]) => [key, contentHash(content)])),
  }
  await steps.makeDirectory(directory, 0o700)
  for (const [key, content] of contents) await steps.writeNew(join(directory, key), content, { mode: 0o600 })
  await steps.writeNew(join(directory, ownerFile), JSON.stringify(owner), { mode: 0o600 })
  await steps.sync(directory)
}

/** Links for new keys appear after their files are current; links of keys that are no longer published vanish. */
async function showKeys(
  path: string,
  keys: readonly string[],
  found: TargetDirectory,
  steps: FileSteps,
): Promise<void> {
  for (const key of keys) {
    const draft = join(path, `..${key}_new`)
    await removeIfThere(draft, steps)
    await steps.makeLink(join(dataLink, key), draft)
    await steps.move(draft, join(path, key))
  }
  const stale = found.kind === 'ours' ? Object.keys(found.owner.contents).filter((key) => !keys.includes(key)) : []
  for (const key of stale) await removeIfThere(join(path, key), steps)
}

/** What earlier publications left: all of them but the current one, whose readers may still be on their way. */
async function removeLeftovers(path: string, current: string | undefined, steps: FileSteps): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true })
  for (const entry of entries) {
    if (!entry.name.startsWith('..') || entry.name === current || entry.name === dataLink) continue
    if (entry.isDirectory()) await removeFiles(join(path, entry.name), steps)
    else await steps.remove(join(path, entry.name))
  }
}

async function removeFiles(directory: string, steps: FileSteps): Promise<void> {
  for (const name of await readdir(directory)) await steps.remove(join(directory, name))
  await steps.removeDirectory(directory)
}

async function removeIfThere(path: string, steps: FileSteps): Promise<void> {
  try {
    await steps.remove(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
