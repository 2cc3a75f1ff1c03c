import type { ProviderKind, StoreKind } from '../domain/credential.ts'
import { apiGroup, groupVersion } from '../domain/names.ts'
import type { ProviderDraft } from '../domain/provider-draft.ts'
import { completed } from '../domain/provider-inheritance.ts'
import type { Problem, Resource } from '../domain/resources.ts'
import { credentialFromSpec } from './credential-from-spec.ts'
import { isObject, type JsonObject, objectAt } from './json.ts'
import { isOurKind, kinds, type OurKind } from './kinds.ts'
import { decodeMetadata, type Metadata } from './metadata.ts'
import { nearMiss } from './near-miss.ts'
import { parseSpec, type UnknownFields } from './parse-spec.ts'
import { unknownField } from './problems.ts'
import { providerFromSpec } from './provider-from-spec.ts'
import { decodeState } from './status-codec.ts'
import { storeFromSpec } from './store-from-spec.ts'

export { decodeState, encodeStatus } from './status-codec.ts'
export { decodeTime } from './status-time.ts'
export type { UnknownFields } from './parse-spec.ts'

/**
 * Reads one manifest: one of ours, or a `v1` Namespace. Undefined for every other kind.
 *
 * Defaults are filled in. What cannot be acted on comes out as `invalid-…` with every problem that
 * was found, each with the path of its field; no problem repeats a value.
 *
 * `unknownFields` says what a field that we do not know means. `problem` is for manifest files. An
 * API server has already dropped what its CRD does not know; what is left while it has a newer CRD
 * than this process must not stop every credential, so objects from there are read with `ignored`.
 */
export function decodeResource(raw: unknown, unknownFields: UnknownFields = 'problem'): Resource | undefined {
  if (!isObject(raw)) return undefined
  const { kind, apiVersion } = raw
  if (kind === 'Namespace' && apiVersion === 'v1') return decodeNamespace(raw)
  if (!isOurKind(kind) || groupOf(apiVersion) !== apiGroup) return undefined
  const metadata = decodeMetadata(raw, kinds[kind].scope === 'Namespaced')
  const problems = [...versionProblems(apiVersion), ...metadata.problems]
  if (unknownFields === 'problem') problems.push(...unknownMembers(raw))
  return decoders[kind]({ kind, raw, metadata, problems, unknownFields })
}

/** Says what is wrong with a manifest of our group whose kind does not exist; undefined for all others. */
export function unknownKindProblem(raw: unknown): Problem | undefined {
  if (!isObject(raw) || groupOf(raw['apiVersion']) !== apiGroup || isOurKind(raw['kind'])) return undefined
  const near = typeof raw['kind'] === 'string' ? nearMiss(raw['kind'], Object.keys(kinds)) : undefined
  const hint = near === undefined ? `must be one of ${Object.keys(kinds).join(', ')}` : `did you mean ${near}?`
  return { field: 'kind', message: `is not a kind of ${apiGroup}; ${hint}` }
}

interface Manifest {
  readonly kind: OurKind
  readonly raw: JsonObject
  readonly metadata: Metadata
  /** Found outside of the spec. */
  readonly problems: readonly Problem[]
  readonly unknownFields: UnknownFields
}

const decoders: Readonly<Record<OurKind, (manifest: Manifest) => Resource>> = {
  OAuthCredential: decodeCredential,
  OAuthProvider: (manifest) => decodeProvider('OAuthProvider', manifest),
  ClusterOAuthProvider: (manifest) => decodeProvider('ClusterOAuthProvider', manifest),
  TokenStore: (manifest) => decodeStore('TokenStore', manifest),
  ClusterTokenStore: (manifest) => decodeStore('ClusterTokenStore', manifest),
}

function decodeCredential({ raw, metadata, problems, unknownFields }: Manifest): Resource {
  const { name, namespace, createdAt, requests, problems: _, ...identity } = metadata
  const common = { key: { namespace, name }, ...identity, state: decodeState(raw['status']) }
  const parsed = parseSpec(kinds.OAuthCredential.spec, raw['spec'], unknownFields)
  const all = parsed.ok ? problems : [...problems, ...parsed.problems]
  if (!parsed.ok || all.length > 0) return { type: 'invalid-credential', credential: { ...common, problems: all } }
  return {
    type: 'credential',
    credential: {
      ...common,
      createdAt,
      ...requests,
      spec: credentialFromSpec(parsed.spec),
    },
  }
}

function decodeProvider(kind: ProviderKind, { raw, metadata, problems, unknownFields }: Manifest): Resource {
  const parsed =
    kind === 'OAuthProvider'
      ? parseSpec(kinds.OAuthProvider.spec, raw['spec'], unknownFields)
      : parseSpec(kinds.ClusterOAuthProvider.spec, raw['spec'], unknownFields)
  const all = parsed.ok ? problems : [...problems, ...parsed.problems]
  const names = referentNames(kind, metadata)
  if (!parsed.ok || all.length > 0) return { type: 'invalid-provider', kind, referent: { ...names, problems: all } }
  const { generation } = metadata
  return providerResource({ kind, ...names, generation, ...providerFromSpec(parsed.spec) })
}

/** What is complete by itself comes out so; the rest takes a preset, or those who use it as theirs. */
function providerResource(draft: ProviderDraft): Resource {
  if (draft.presetRef !== undefined || draft.variables !== undefined) return { type: 'provider-draft', draft }
  const provider = completed(draft, { kind: 'missing' })
  return provider.kind === 'found' ? { type: 'provider', provider: provider.value } : { type: 'provider-draft', draft }
}

function decodeStore(kind: StoreKind, { raw, metadata, problems, unknownFields }: Manifest): Resource {
  const parsed =
    kind === 'TokenStore'
      ? parseSpec(kinds.TokenStore.spec, raw['spec'], unknownFields)
      : parseSpec(kinds.ClusterTokenStore.spec, raw['spec'], unknownFields)
  const all = parsed.ok ? problems : [...problems, ...parsed.problems]
  const names = referentNames(kind, metadata)
  if (!parsed.ok || all.length > 0) return { type: 'invalid-store', kind, referent: { ...names, problems: all } }
  const { generation } = metadata
  return { type: 'store', store: { kind, ...names, generation, ...storeFromSpec(parsed.spec) } }
}

function referentNames(kind: ProviderKind | StoreKind, { name, namespace }: Metadata) {
  return kinds[kind].scope === 'Namespaced' ? { name, namespace } : { name }
}

function decodeNamespace(raw: JsonObject): Resource | undefined {
  const { name, labels } = objectAt(raw['metadata'])
  if (typeof name !== 'string') return undefined
  const texts = Object.entries(objectAt(labels)).filter(
    (label): label is [string, string] => typeof label[1] === 'string',
  )
  return { type: 'namespace', name, labels: Object.fromEntries(texts) }
}

function groupOf(version: unknown): string | undefined {
  return typeof version === 'string' ? version.split('/', 1)[0] : undefined
}

function versionProblems(version: unknown): Problem[] {
  return version === groupVersion ? [] : [{ field: 'apiVersion', message: `must be ${groupVersion}` }]
}

const members = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

function unknownMembers(raw: JsonObject): readonly Problem[] {
  return Object.keys(raw)
    .filter((key) => !members.includes(key))
    .map((key) => unknownField(key, key, members))
}
