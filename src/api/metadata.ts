import type { Credential } from '../domain/credential.ts'
import type { Problem } from '../domain/resources.ts'
import { finalizerName, requestAnnotations } from '../domain/names.ts'
import { type EpochSeconds, epochSeconds } from '../domain/time.ts'
import { countAt, isObject, type JsonObject, objectAt, textAt } from './json.ts'
import { issueMessage } from './problems.ts'
import { httpOrigin, objectName } from './scalars.ts'
import { requestOf } from './status-codec.ts'
import { decodeTime } from './status-time.ts'

/** What we read of an object's metadata. Manifest files lack what an API server adds. */
export interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly generation: number
  readonly createdAt: EpochSeconds
  readonly deleting: boolean
  readonly finalized: boolean
  readonly requests: Requests
  readonly problems: readonly Problem[]
}

/** What a human asks for with annotations. */
export type Requests = Pick<Credential, 'refreshRequest' | 'ownershipRequest' | 'allowedOrigin'>

const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const namespaceMessage = 'must be a DNS label: at most 63 lower-case letters, digits and -'
const uidMessage = 'must be made of letters, digits and any of . - _'
const uidPattern = /^[-._a-zA-Z0-9]{1,317}$/

/**
 * Reads the metadata of an object. Where a manifest file has none: the namespace is `default`, the
 * uid is made of namespace and name, and the generation of the spec's text, so that an edit is seen.
 */
export function decodeMetadata(raw: JsonObject, namespaced: boolean): Metadata {
  const metadata = objectAt(raw['metadata'])
  const name = textAt(metadata['name']) ?? ''
  const namespace = textAt(metadata['namespace']) ?? 'default'
  const uid = textAt(metadata['uid']) ?? (namespaced ? `${namespace}.${name}` : name)
  return {
    name,
    namespace,
    uid,
    generation: countAt(metadata['generation']) ?? generationOf(raw['spec']),
    createdAt: decodeTime(metadata['creationTimestamp']) ?? epochSeconds(0),
    deleting: typeof metadata['deletionTimestamp'] === 'string',
    finalized: Array.isArray(metadata['finalizers']) && metadata['finalizers'].includes(finalizerName),
    problems: metadataProblems(metadata, { uid, namespaced }),
    requests: requestsOf(objectAt(metadata['annotations'])),
  }
}

function requestsOf(annotations: JsonObject): Requests {
  const refreshRequest = requestOf(annotations[requestAnnotations.refreshRequestedAt])
  const ownershipRequest = requestOf(annotations[requestAnnotations.takeOwnershipRequestedAt])
  const allowedOrigin = originOf(annotations[requestAnnotations.allowTokenOrigin])
  return {
    ...(refreshRequest !== undefined && { refreshRequest }),
    ...(ownershipRequest !== undefined && { ownershipRequest }),
    ...(allowedOrigin !== undefined && { allowedOrigin }),
  }
}

/** Undefined for every text but an origin: what is not understood allows nothing. */
function originOf(annotation: unknown): string | undefined {
  // Mostly there is none, and a text that does not fit takes longer than one that does.
  return annotation === undefined ? undefined : httpOrigin.safeParse(annotation).data
}

/** Names become paths and labels, so those of a file are held to what an API server would accept. */
function metadataProblems(metadata: JsonObject, own: { uid: string; namespaced: boolean }): readonly Problem[] {
  const { name, namespace, uid = own.uid } = metadata
  const nameMessage = nameProblem(name)
  const problems: Problem[] = []
  if (nameMessage !== undefined) problems.push({ field: 'metadata.name', message: nameMessage })
  else if (!matches(uidPattern, uid)) problems.push({ field: 'metadata.uid', message: uidMessage })
  if (own.namespaced && namespace !== undefined && !matches(namespacePattern, namespace)) {
    problems.push({ field: 'metadata.namespace', message: namespaceMessage })
  }
  return problems
}

function nameProblem(name: unknown): string | undefined {
  if (name === undefined) return 'is required'
  const parsed = objectName.safeParse(name, { error: issueMessage })
  return parsed.success ? undefined : (parsed.error.issues[0]?.message ?? 'is not valid')
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value)
}

/** FNV-1a of the spec as JSON, from 1 to 2^31: differs whenever the spec does, but for one chance in two billion. */
function generationOf(spec: unknown): number {
  const text = isObject(spec) ? JSON.stringify(spec) : ''
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 1) + 1
}
