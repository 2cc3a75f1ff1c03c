import type { Resource, ResourceKind } from '../../domain/resources.ts'
import type { ResourceHandler } from '../../ports/resource-source.ts'
import type { CollectionHandler } from './watch-round.ts'

/** Passes on one collection that is all there is of a kind. */
export class WholeKind implements CollectionHandler<Resource> {
  readonly #kind: ResourceKind
  readonly #handler: ResourceHandler

  constructor(kind: ResourceKind, handler: ResourceHandler) {
    this.#kind = kind
    this.#handler = handler
  }

  replaced(resources: readonly Resource[]): void {
    this.#handler.replaced(this.#kind, resources)
  }

  upserted(resource: Resource): void {
    this.#handler.upserted(this.#kind, resource)
  }

  deleted(namespace: string | undefined, name: string): void {
    this.#handler.deleted(this.#kind, namespace, name)
  }
}

/**
 * Passes on one namespace's part of a kind. A list of the part does not say what is elsewhere, so it
 * becomes changes: that needs the names, and only the names, of what the part held before.
 */
export class PartOfKind implements CollectionHandler<Resource> {
  readonly #kind: ResourceKind
  readonly #handler: ResourceHandler
  #known = new Map<string, ResourceName>()

  constructor(kind: ResourceKind, handler: ResourceHandler) {
    this.#kind = kind
    this.#handler = handler
  }

  replaced(resources: readonly Resource[]): void {
    const before = this.#known
    this.#known = new Map()
    for (const resource of resources) this.upserted(resource)
    for (const [key, { namespace, name }] of before) {
      if (!this.#known.has(key)) this.#handler.deleted(this.#kind, namespace, name)
    }
  }

  upserted(resource: Resource): void {
    const named = nameOf(resource)
    this.#known.set(keyOf(named), named)
    this.#handler.upserted(this.#kind, resource)
  }

  deleted(namespace: string | undefined, name: string): void {
    this.#known.delete(keyOf({ namespace, name }))
    this.#handler.deleted(this.#kind, namespace, name)
  }
}

interface ResourceName {
  readonly namespace: string | undefined
  readonly name: string
}

function keyOf({ namespace, name }: ResourceName): string {
  return `${namespace ?? ''}/${name}`
}

function nameOf(resource: Resource): ResourceName {
  switch (resource.type) {
    case 'credential':
    case 'invalid-credential':
      return resource.credential.key
    case 'provider':
      return named(resource.provider)
    case 'provider-draft':
      return named(resource.draft)
    case 'store':
      return named(resource.store)
    case 'invalid-provider':
    case 'invalid-store':
      return named(resource.referent)
    case 'namespace':
      return { namespace: undefined, name: resource.name }
  }
}

function named({ namespace, name }: { readonly namespace?: string; readonly name: string }): ResourceName {
  return { namespace, name }
}
