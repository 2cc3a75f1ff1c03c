import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { epochSeconds } from '../../domain/time.ts'
import { isMissing } from './file-error.ts'

/** Link to the directory with the current files. */
export const dataLink = '..data'
/** Says whose the files are; beside them, and hidden from their readers as everything that begins with two dots. */
export const ownerFile = '..owner.json'
/** What the files of one publication are in: time of writing, and chance. */
const dataDirectory = /^\.\.\d{4}(_\d\d){5}\.[0-9a-f]+$/

const ownerSchema = z.object({
  credentialUid: z.string(),
  credential: z.string(),
  digest: z.string(),
  /** Missing in what earlier releases wrote. */
  issuedAt: z.number().transform(epochSeconds).optional(),
  expiresAt: z.number().transform(epochSeconds),
  /** As a target tells whose its token is. */
  mark: z.string().optional(),
  previousExpiresAt: z.number().transform(epochSeconds).optional(),
  /** Data key to the SHA-256 of its content. The content itself stands beside it. */
  contents: z.record(z.string(), z.string()),
})

export type TargetOwner = z.infer<typeof ownerSchema>

export type TargetDirectory =
  /** Nothing, or an empty directory that somebody made for us. */
  | { readonly kind: 'free' }
  | { readonly kind: 'foreign' }
  /** What a first publication or a removal leaves that never came to its end: hidden, and ours to take away. */
  | { readonly kind: 'unfinished'; readonly owner: TargetOwner | undefined }
  | {
      readonly kind: 'ours'
      readonly owner: TargetOwner
      /** Name of the directory that holds the current files. */
      readonly current: string
      /** Visible names that are links to current files, or were. */
      readonly links: ReadonlySet<string>
      /** Visible names that somebody else put there. */
      readonly strangers: ReadonlySet<string>
      /** Keys whose file a reader finds as it was published. */
      readonly intactKeys: ReadonlySet<string>
    }

/** What is in a target directory. Rejects with the file system's error for everything but a missing file. */
export async function lookAtDirectory(path: string): Promise<TargetDirectory> {
  const entries = await entriesOf(path)
  if (entries.length === 0) return { kind: 'free' }
  const current = await linkTarget(join(path, dataLink))
  const owner = current !== undefined && isDataDirectory(current) ? await ownerOf(join(path, current)) : undefined
  if (current === undefined || owner === undefined) return lookAtLeftovers(path, entries)
  const visible = entries.filter(({ name }) => !name.startsWith('..'))
  const links = new Set<string>()
  for (const { name } of visible) if ((await linkTarget(join(path, name))) === join(dataLink, name)) links.add(name)
  const strangers = visible
    .map(({ name }) => name)
    .filter((name) => !links.has(name) && !Object.hasOwn(owner.contents, name))
  return {
    kind: 'ours',
    owner,
    current,
    links,
    strangers: new Set(strangers),
    intactKeys: await intactKeys(path, owner),
  }
}

/** True for entries that only we make: what somebody else hides here is left alone. */
export function isLeftover(entry: Dirent, current: string | undefined): boolean {
  if (entry.name === dataLink || entry.name === current) return false
  return entry.isSymbolicLink() ? entry.name.startsWith('..') : isDataDirectory(entry.name)
}

async function lookAtLeftovers(path: string, entries: readonly Dirent[]): Promise<TargetDirectory> {
  let owner: TargetOwner | undefined
  for (const entry of entries) {
    if (entry.isSymbolicLink() && entry.name.startsWith('..')) continue
    if (!isDataDirectory(entry.name)) return { kind: 'foreign' }
    // The owner is the first file to come and the last one to go.
    const files = await entriesOf(join(path, entry.name))
    const found = await ownerOf(join(path, entry.name))
    if (found === undefined && files.some(({ name }) => name !== ownerFile)) return { kind: 'foreign' }
    owner = found ?? owner
  }
  return { kind: 'unfinished', owner }
}

function isDataDirectory(name: string): boolean {
  return dataDirectory.test(name)
}

export function contentHash(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

async function intactKeys(path: string, { contents }: TargetOwner): Promise<ReadonlySet<string>> {
  const checked = await Promise.all(
    Object.entries(contents).map(async ([key, hash]) => {
      const content = await textOf(join(path, key))
      return content !== undefined && contentHash(content) === hash ? [key] : []
    }),
  )
  return new Set(checked.flat())
}

async function ownerOf(directory: string): Promise<TargetOwner | undefined> {
  const text = await textOf(join(directory, ownerFile))
  if (text === undefined) return undefined
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

async function entriesOf(path: string): Promise<readonly Dirent[]> {
  return (await unlessMissing(() => readdir(path, { withFileTypes: true }))) ?? []
}

function textOf(path: string): Promise<string | undefined> {
  return unlessMissing(() => readFile(path, 'utf8'))
}

/** Undefined when there is nothing, or something that is no link. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await unlessMissing(() => readlink(path))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EINVAL') return undefined
    throw error
  }
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
