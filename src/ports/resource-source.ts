import type { Resource, ResourceKind } from '../domain/resources.ts'

/** Receives the manifests that a source has. */
export interface ResourceHandler {
  /** All objects of a kind, after a list: what is not among them is gone. */
  replaced(kind: ResourceKind, resources: readonly Resource[]): void
  /** One object is new or changed. */
  upserted(kind: ResourceKind, resource: Resource): void
  deleted(kind: ResourceKind, namespace: string | undefined, name: string): void
}

/**
 * Where manifests come from: the API server, or a directory.
 *
 * Guarantees: level-based. After any interruption the handler is told the whole state again.
 */
export interface ResourceSource {
  /** Starts feeding `handler`; recovers from every expected failure by itself. Returns what stops it. */
  start(handler: ResourceHandler): () => Promise<void>
  /** True once every kind was listed. */
  synced(): boolean
}
