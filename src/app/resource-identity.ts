import type { Credential } from '../domain/credential.ts'
import type { Resource, ResourceKind } from '../domain/resources.ts'

/** What credentials refer to by name. */
export type Referred = Exclude<
  Resource,
  { readonly type: 'credential' } | { readonly type: 'invalid-credential' } | { readonly type: 'namespace' }
>

export function isNamespaced(kind: ResourceKind): boolean {
  return kind === 'OAuthProvider' || kind === 'TokenStore'
}

/** What an object is found by. */
export function referentKey(kind: ResourceKind, namespace: string | undefined, name: string): string {
  return `${kind}|${namespace ?? ''}|${name}`
}

export function resourceKey(resource: Resource): string {
  switch (resource.type) {
    case 'credential':
    case 'invalid-credential':
      return referentKey('OAuthCredential', resource.credential.key.namespace, resource.credential.key.name)
    case 'namespace':
      return referentKey('Namespace', undefined, resource.name)
    default: {
      const { kind, namespace, name } = { kind: kindOf(resource), ...identity(resource) }
      return referentKey(kind, namespace, name)
    }
  }
}

function kindOf(resource: Referred): ResourceKind {
  if (resource.type === 'provider') return resource.provider.kind
  if (resource.type === 'provider-draft') return resource.draft.kind
  return resource.type === 'store' ? resource.store.kind : resource.kind
}

function identity(resource: Referred): { namespace: string | undefined; name: string } {
  const { namespace, name } = named(resource)
  return { namespace, name }
}

function named(resource: Referred): { readonly namespace?: string; readonly name: string } {
  switch (resource.type) {
    case 'provider':
      return resource.provider
    case 'provider-draft':
      return resource.draft
    case 'store':
      return resource.store
    default:
      return resource.referent
  }
}

/** What is known, by kind. */
export interface KnownObjects {
  readonly credentials: Iterable<{ readonly credential: Pick<Credential, 'key'> }>
  readonly namespaces: Iterable<string>
  readonly referred: Iterable<readonly [string, Referred]>
}

interface ObjectKey {
  readonly text: string
  readonly namespace: string | undefined
  readonly name: string
}

/** Every object of a kind that is known, while they are taken away. */
export function* keysOf(
  kind: ResourceKind,
  { credentials, namespaces, referred }: KnownObjects,
): Generator<ObjectKey, void> {
  if (kind === 'OAuthCredential') {
    for (const { credential } of credentials) {
      const { namespace, name } = credential.key
      yield { text: referentKey(kind, namespace, name), namespace, name }
    }
  } else if (kind === 'Namespace') {
    for (const name of namespaces) yield { text: referentKey(kind, undefined, name), namespace: undefined, name }
  } else {
    for (const [text, resource] of referred) {
      if (text.startsWith(`${kind}|`)) yield { text, ...identity(resource) }
    }
  }
}
