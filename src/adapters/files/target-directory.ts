import { createHash } from 'node:crypto'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { epochSeconds } from '../../domain/time.ts'
import { isMissing } from './file-error.ts'

/** Link to the directory with the current files. */
export const dataLink = '..data'
/** Says whose the files are; beside them, and hidden from their readers as everything that begins with two dots. */
export const ownerFile = '..owner.json'

const ownerSchema = z.object({
  credentialUid: z.string(),
  credential: z.string(),
  digest: z.string(),
  expiresAt: z.number().transform(epochSeconds),
  /** Data key to the SHA-256 of its content. The content itself stands beside it. */
  contents: z.record(z.string(), z.string()),
})

export type TargetOwner = z.infer<typeof ownerSchema>

export type TargetDirectory =
  /** Nothing, or an empty directory that somebody made for us. */
  | { readonly kind: 'free' }
  | { readonly kind: 'foreign' }
  | {
      readonly kind: 'ours'
      readonly owner: TargetOwner
      /** Name of the directory that holds the current files. */
      readonly current: string
      /** Everything in the target directory. */
      readonly entries: readonly string[]
      /** Keys whose file a reader finds as it was published. */
      readonly intactKeys: ReadonlySet<string>
    }

/** What is in a target directory. Rejects with the file system's error for everything but a missing file. */
export async function lookAtDirectory(path: string): Promise<TargetDirectory> {
  const entries = await entriesOf(path)
  if (entries.length === 0) return { kind: 'free' }
  const current = await linkTarget(join(path, dataLink))
  const owner = current === undefined ? undefined : await ownerOf(join(path, current))
  if (current === undefined || owner === undefined) {
    // A first publication that never came to its end leaves hidden directories and nothing else.
    return entries.every((name) => name.startsWith('..')) ? { kind: 'free' } : { kind: 'foreign' }
  }
  return { kind: 'ours', owner, current, entries, intactKeys: await intactKeys(path, owner) }
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

async function entriesOf(path: string): Promise<readonly string[]> {
  return (await unlessMissing(() => readdir(path))) ?? []
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
