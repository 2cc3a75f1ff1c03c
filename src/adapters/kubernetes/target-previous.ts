import type { TokenKeys } from '../../domain/previous-key.ts'
import { type FoundTokens, previousToken, withPreviousFile } from '../../domain/previous-token.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type { Publication, Published, TargetIdentity } from '../../ports/access-token-sink.ts'
import { appliedKeys, appliedMarks } from './managed-fields.ts'
import type { Secret } from './schema.ts'
import { isOwn } from './target-claim.ts'
import { timeOf } from './target-look.ts'
import { applyMetadata, marksOf, ownerReference, preconditionOf } from './target-marks.ts'
import { hasOurReference } from './target-removal.ts'

/**
 * The tokens that this credential published here. What somebody else has changed since is not among them: the API
 * server keeps account of whose content a key has.
 */
export function tokensIn(secret: Secret, identity: TargetIdentity, { from, key }: TokenKeys): FoundTokens {
  if (!isOfCredential(secret, identity)) return {}
  const { manager, annotations } = marksOf(identity)
  const marks = appliedMarks(secret, manager, 'annotations')
  const contentOf = textsOf(secret, manager)
  const accessToken = contentOf(from)
  const previous = key === undefined ? undefined : contentOf(key)
  const mark = marks.get(annotations.mark)
  const [issuedAt, expiresAt, previousExpiresAt] = [
    timeOf(marks.get(annotations.issuedAt)),
    timeOf(marks.get(annotations.expiresAt)),
    timeOf(marks.get(annotations.previousExpiresAt)),
  ]
  return {
    ...(mark !== undefined && { mark }),
    ...(accessToken !== undefined && { accessToken }),
    ...(issuedAt !== undefined && { issuedAt }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(previous !== undefined && { previous }),
    ...(previousExpiresAt !== undefined && { previousExpiresAt }),
  }
}

/** Under `Merge` the name of the field manager says whose its fields are; else all credentials have the same one. */
function isOfCredential(secret: Secret, identity: TargetIdentity): boolean {
  return identity.creationPolicy === 'Merge' || isOwn(secret, identity)
}

/** The content of a key as we applied it, as text; undefined when it is not, or empty. */
function textsOf(secret: Secret, manager: string): (key: string) => Sensitive | undefined {
  const applied = appliedKeys(secret, manager)
  return (key) => {
    const content = applied.has(key) ? secret.data.get(key)?.reveal() : undefined
    if (content === undefined || content === '') return undefined
    return new Sensitive(Buffer.from(content, 'base64').toString('utf8'))
  }
}

/** Every key that a publication writes. */
export function keysOf({ files, previous }: Publication): readonly string[] {
  return [...new Set([...files.keys(), ...(previous === undefined ? [] : [previous.key])])]
}

/** What a publication is made of once it is known what is in the Secret that it replaces. */
export function withPrevious(
  publication: Publication,
  secret: Secret | undefined,
  now: EpochSeconds,
): { readonly publication: Publication; readonly beside: Published | undefined } {
  const { identity, files, previous, mark, issuedAt } = publication
  if (previous === undefined) return { publication, beside: undefined }
  const { key, from, isKept } = previous
  const found = secret !== undefined && isKept ? tokensIn(secret, identity, previous) : undefined
  const token = previousToken(found, { mark, accessToken: files.get(from), issuedAt }, now)
  return {
    publication: { ...publication, files: withPreviousFile(files, key, token) },
    beside: token && { previousExpiresAt: token.expiresAt },
  }
}

/** What is in a Secret beside its token, by its own account. */
export function publishedBeside(secret: Secret | undefined, identity: TargetIdentity): Published | undefined {
  const { manager, annotations } = marksOf(identity)
  const text = secret && appliedMarks(secret, manager, 'annotations').get(annotations.previousExpiresAt)
  const previousExpiresAt = timeOf(text)
  return previousExpiresAt === undefined ? undefined : { previousExpiresAt }
}

/**
 * All that we applied to a Secret, once more, but without the previous access token; undefined when that is not ours
 * to empty. What is left out of an apply would vanish.
 */
export function withoutPreviousBody(secret: Secret, identity: TargetIdentity, key: string): object | undefined {
  const { manager, annotations } = marksOf(identity)
  const applied = appliedKeys(secret, manager)
  if (!isOfCredential(secret, identity) || !applied.has(key)) return undefined
  const kept = [...secret.data].filter(([name]) => applied.has(name))
  const data = new Map([...kept.map(([name, text]) => [name, text.reveal()] as const), [key, '']])
  const marks = [...appliedMarks(secret, manager, 'annotations')]
  const labels = [...appliedMarks(secret, manager, 'labels')]
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...applyMetadata(identity, preconditionOf(secret.metadata)),
      annotations: Object.fromEntries(marks.filter(([name]) => name !== annotations.previousExpiresAt)),
      ...(labels.length > 0 && { labels: Object.fromEntries(labels) }),
      ...(hasOurReference(secret, identity) && { ownerReferences: [ownerReference(identity)] }),
    },
    ...(identity.creationPolicy === 'Merge' ? {} : { type: secret.type }),
    data: Object.fromEntries(data),
  }
}
