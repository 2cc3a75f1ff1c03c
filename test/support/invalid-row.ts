import { changed, type Manifest } from './manifests.ts'

/** A manifest that must be refused with a message that names `field`. */
export interface InvalidManifest {
  readonly manifest: Manifest
  /** As both we and the API server write it. */
  readonly field: string
}

/** A manifest with one wrong value, at the path that is to be named. */
export function row(base: Manifest, path: string, value: unknown, field = path): InvalidManifest {
  return { manifest: changed(base, path, value), field }
}
