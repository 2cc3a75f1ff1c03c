import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../../domain/present.ts'
import type { TokenKeys } from '../../domain/previous-key.ts'
import { type FoundTokens, previousToken, withPreviousFile } from '../../domain/previous-token.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type { Publication, Published, TargetIdentity } from '../../ports/access-token-sink.ts'
import type { TargetDirectory, TargetOwner } from './target-directory.ts'

type OurDirectory = Extract<TargetDirectory, { kind: 'ours' }>

/** What a publication is made of once it is known what is in the directory that it replaces. */
export async function withPrevious(
  path: string,
  { identity, files, previous, mark, issuedAt }: Publication,
  found: TargetDirectory,
  now: EpochSeconds,
): Promise<{ readonly files: ReadonlyMap<string, Sensitive>; readonly previousExpiresAt?: EpochSeconds }> {
  if (previous === undefined) return { files }
  const { key, from, isKept } = previous
  const there = isKept ? await tokensIn(path, found, previous, identity) : undefined
  const token = previousToken(there, { mark, accessToken: files.get(from), issuedAt }, now)
  return { files: withPreviousFile(files, key, token), ...(token && { previousExpiresAt: token.expiresAt }) }
}

function isOwn(found: TargetDirectory, { credentialUid }: TargetIdentity): found is OurDirectory {
  return found.kind === 'ours' && found.owner.credentialUid === credentialUid
}

/** What is in a directory beside its token, by its own account. */
export function besideIn({ previousExpiresAt }: TargetOwner): Published | undefined {
  return previousExpiresAt === undefined ? undefined : { previousExpiresAt }
}

/** The tokens that this credential published here, and that are as they were. */
export async function tokensIn(
  path: string,
  found: TargetDirectory,
  { from, key }: TokenKeys,
  identity: TargetIdentity,
): Promise<FoundTokens> {
  if (!isOwn(found, identity)) return {}
  const { mark, issuedAt, expiresAt, previousExpiresAt } = found.owner
  const contentOf = async (name: string | undefined) => {
    if (name === undefined || !found.intactKeys.has(name)) return undefined
    const content = await contentIn(path, name)
    return content.reveal() === '' ? undefined : content
  }
  const accessToken = await contentOf(from)
  const previous = await contentOf(key)
  return present({ mark, issuedAt, expiresAt, previousExpiresAt, accessToken, previous })
}

/**
 * All files as they are, but without the previous access token; undefined when there is none, or when somebody has
 * changed one of them: what would be written again is not what was published.
 */
export async function filesWithoutPrevious(
  path: string,
  { owner, intactKeys }: OurDirectory,
  key: string,
): Promise<ReadonlyMap<string, Sensitive> | undefined> {
  const keys = Object.keys(owner.contents)
  if (!keys.includes(key) || !keys.every((each) => intactKeys.has(each))) return undefined
  const files = new Map<string, Sensitive>()
  for (const each of keys) files.set(each, await contentIn(path, each))
  return withPreviousFile(files, key, undefined)
}

async function contentIn(path: string, key: string): Promise<Sensitive> {
  return new Sensitive(await readFile(join(path, key), 'utf8'))
}
