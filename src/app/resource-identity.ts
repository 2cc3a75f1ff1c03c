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

export function identity(resource: Referred): { namespace: string | undefined; name: string } {
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
