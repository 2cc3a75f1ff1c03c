import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { keyText } from '../../domain/credential.ts'
import { present } from '../../domain/present.ts'
import type { Publication } from '../../ports/access-token-sink.ts'
import type { FileSteps } from './file-steps.ts'
import { removeFiles, removeIfThere, type RetiredFiles } from './retired-files.ts'
import {
  contentHash,
  dataLink,
  isLeftover,
  ownerFile,
  type TargetDirectory,
  type TargetOwner,
} from './target-directory.ts'

type OurDirectory = Extract<TargetDirectory, { kind: 'ours' }>
type Unfinished = Extract<TargetDirectory, { kind: 'unfinished' }>

const draftLink = '..data_new'

/** A publication with all of its files. */
export type WrittenPublication = Pick<Publication, 'identity' | 'files' | 'digest' | 'expiresAt' | 'mark'> &
  Pick<TargetOwner, 'issuedAt' | 'previousExpiresAt'>

/** The tools of one sink. */
export interface WriterTools {
  readonly steps: FileSteps
  readonly retired: RetiredFiles
}

/**
 * Writes a publication beside the current one and makes it the current one by renaming a link, as
 * kubelet does for mounted Secrets.
 */
export async function writeTarget(
  path: string,
  publication: WrittenPublication,
  found: TargetDirectory,
  tools: WriterTools,
): Promise<void> {
  const { steps, retired } = tools
  const previous = found.kind === 'ours' ? found.current : undefined
  await removeLeftovers(path, previous, tools)
  const next = `..${new Date().toISOString().replace(/[-:T]/g, '_').slice(0, 19)}.${randomBytes(5).toString('hex')}`
  await writeFiles(join(path, next), publication, steps)
  await steps.makeLink(next, join(path, draftLink))
  await steps.move(join(path, draftLink), join(path, dataLink))
  if (previous !== undefined) retired.retire(join(path, previous))
  await showKeys(path, [...publication.files.keys()], found, steps)
  await steps.sync(path)
}

/** Takes away everything that was published, and the directories that are empty then. */
export async function removeTarget(path: string, found: OurDirectory | Unfinished, tools: WriterTools): Promise<void> {
  const { steps, retired } = tools
  retired.forget(path)
  const keys = found.kind === 'ours' ? [...found.links, ...Object.keys(found.owner.contents)] : []
  for (const key of keys) await removeIfThere(join(path, key), steps)
  await removeIfThere(join(path, dataLink), steps)
  await removeLeftovers(path, undefined, tools)
  for (const directory of [path, dirname(path)]) {
    if ((await readdir(directory)).length > 0) return
    await steps.removeDirectory(directory)
  }
}

async function writeFiles(directory: string, publication: WrittenPublication, steps: FileSteps): Promise<void> {
  const { identity, files, digest, issuedAt, expiresAt, mark, previousExpiresAt } = publication
  const contents = [...files].map(([key, content]) => [key, content.reveal()] as const)
  const owner: TargetOwner = {
    credentialUid: identity.credentialUid,
    credential: keyText(identity.credential),
    digest,
    issuedAt,
    expiresAt,
    ...present({ mark, previousExpiresAt }),
    contents: Object.fromEntries(contents.map(([key, content]) => [key, contentHash(content)])),
  }
  await steps.makeDirectory(directory, 0o700)
  // First, so that no file is ever there without the name of its owner.
  await steps.writeNew(join(directory, ownerFile), JSON.stringify(owner), { mode: 0o600 })
  for (const [key, content] of contents) await steps.writeNew(join(directory, key), content, { mode: 0o600 })
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
  const stale = found.kind === 'ours' ? [...found.links].filter((key) => !keys.includes(key)) : []
  for (const key of stale) await removeIfThere(join(path, key), steps)
}

/** What a death left: everything of ours but the current files, and those that readers may still be on their way to. */
async function removeLeftovers(path: string, current: string | undefined, tools: WriterTools): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true })
  for (const entry of entries.filter((each) => isLeftover(each, current))) {
    const leftover = join(path, entry.name)
    if (tools.retired.has(leftover)) continue
    if (entry.isDirectory()) await removeFiles(leftover, tools.steps)
    else await tools.steps.remove(leftover)
  }
}
