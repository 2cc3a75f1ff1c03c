import { type FSWatcher, watch } from 'node:fs'
import { apiGroup } from '../../domain/names.ts'
import type { Problem, Resource, ResourceKind } from '../../domain/resources.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { ResourceHandler, ResourceSource } from '../../ports/resource-source.ts'
import { classifyFileError } from './file-error.ts'
import { LookSchedule } from './look-schedule.ts'
import { isObject, type ManifestFile, readManifestFiles } from './manifest-files.ts'
import { defaultNamespace, type ManifestSecrets, secretData, secretKey } from './manifest-secrets.ts'
import { Vanishing } from './vanishing.ts'

export interface ManifestDirectoryOptions {
  readonly directory: string
  readonly decode: (raw: unknown) => Resource | undefined
  /** What is wrong with a manifest that seems to be meant for us, and is of no kind of ours. */
  readonly unknownKind: (raw: unknown) => Problem | undefined
  /** What an earlier process reported of a credential, as its manifest's `status`. */
  readonly statusOf: (namespace: string, name: string) => object | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds between looks that nobody asked for, because notifications get lost; default 5000. */
  readonly pollMs?: number
  /** Milliseconds that an object must be missing before it counts as deleted; default 1000. */
  readonly goneAfterMs?: number
}

type Manifest = Readonly<Record<string, unknown>>

interface Found {
  readonly raw: Manifest
  readonly path: string
  readonly modifiedAtMs: number
}

interface Placed {
  readonly kind: ResourceKind
  readonly namespace: string | undefined
  readonly name: string
  readonly resource: Resource
  /** Text of the manifest: what changes when somebody edits it. */
  readonly text: string
}

const kinds: readonly ResourceKind[] = [
  'Namespace',
  'OAuthProvider',
  'ClusterOAuthProvider',
  'TokenStore',
  'ClusterTokenStore',
  'OAuthCredential',
]
const clusterScoped: ReadonlySet<string> = new Set(['Namespace', 'ClusterOAuthProvider', 'ClusterTokenStore'])
const defaultGoneAfterMs = 1000

/**
 * Manifests in a directory of files, in place of an API server.
 *
 * An edit or a deletion takes effect within seconds, a deletion only when it lasts. A file that does
 * not parse is said once, and what it last said stays in force. Of two manifests of one object the
 * file that sorts first wins. Objects without a namespace are in `default`. A namespace that objects
 * are in exists, whether it has a manifest or not; without one its only label is its name.
 *
 * Decoding gives each object a `uid` that follows from its name and a `generation` that follows from its
 * spec: both are the same after a restart, and a generation is only ever compared for equality.
 */
export class ManifestDirectory implements ResourceSource {
  readonly #options: ManifestDirectoryOptions
  readonly #vanishing: Vanishing<Found>
  readonly #lastGood = new Map<string, ManifestFile>()
  readonly #told = new Map<string, string>()
  #known = new Map<string, Placed>()
  #secrets: ManifestSecrets = new Map()
  #synced = false

  constructor(options: ManifestDirectoryOptions) {
    this.#options = options
    this.#vanishing = new Vanishing(options.goneAfterMs ?? defaultGoneAfterMs)
  }

  /** The `Secret` manifests as they are now. */
  secrets(): ManifestSecrets {
    return this.#secrets
  }

  synced(): boolean {
    return this.#synced
  }

  start(handler: ResourceHandler): () => Promise<void> {
    const { directory, clock } = this.#options
    const schedule = new LookSchedule({ clock, look: () => this.#look(handler) })
    schedule.start()
    const watcher = notify(directory, () => schedule.notice())
    return async () => {
      watcher?.close()
      await schedule.stop()
    }
  }

  /** Returns in how many milliseconds to look again. */
  async #look(handler: ResourceHandler): Promise<number> {
    const { clock, pollMs = 5000, goneAfterMs = defaultGoneAfterMs } = this.#options
    const files = await this.#read()
    if (files === undefined) return pollMs
    const objects = this.#vanishing.settle(this.#named(files), clock.monotonicMs())
    this.#secrets = collectSecrets([...objects.values()].map(({ raw }) => raw))
    const found = new Map<string, Placed>()
    for (const [name, { raw, path, modifiedAtMs }] of objects) {
      const placed = this.#place(raw, modifiedAtMs)
      if (placed === undefined) this.#tellUnknownKind(raw, path)
      else found.set(name, placed)
    }
    const all = new Map([...this.#undeclaredNamespaces(found), ...found])
    feed(handler, this.#synced ? this.#known : undefined, all)
    this.#known = all
    this.#synced = true
    return this.#vanishing.isWaiting() ? Math.min(goneAfterMs, pollMs) : pollMs
  }

  /** Every object by group, kind and name. Of two with one name the first stays. */
  #named(files: readonly ManifestFile[]): ReadonlyMap<string, Found> {
    const named = new Map<string, Found>()
    for (const { objects, path, modifiedAtMs } of files) {
      for (const raw of objects) {
        const name = objectName(raw)
        if (name === undefined) this.#tell(`${path}|name`, `${path} has an object without a kind or a metadata.name`)
        else if (!named.has(name)) named.set(name, { raw, path, modifiedAtMs })
        else this.#tell(`${path}|${name}`, `${path} has a second manifest of ${name}, which is passed over`)
      }
    }
    return named
  }

  /** The files as they are, or were when they last parsed; undefined when the directory cannot be read. */
  async #read(): Promise<readonly ManifestFile[] | undefined> {
    const { directory } = this.#options
    try {
      const files = await readManifestFiles(directory)
      this.#told.delete(directory)
      const paths = new Set(files.map(({ path }) => path))
      for (const path of this.#lastGood.keys()) if (!paths.has(path)) this.#lastGood.delete(path)
      return files.map((file) => this.#lastGoodOf(file))
    } catch (error) {
      this.#tell(directory, `the manifests in ${directory} cannot be read: ${classifyFileError(error).cause}`)
      return undefined
    }
  }

  #lastGoodOf(file: ManifestFile): ManifestFile {
    if (file.problem === undefined) {
      this.#told.delete(file.path)
      this.#lastGood.set(file.path, file)
      return file
    }
    this.#tell(file.path, `${file.path} cannot be read: ${file.problem}; what it said before stays in force`)
    return this.#lastGood.get(file.path) ?? file
  }

  #place(raw: Manifest, modifiedAtMs: number): Placed | undefined {
    const kind = kinds.find((known) => known === raw['kind'])
    const metadata = isObject(raw['metadata']) ? raw['metadata'] : {}
    const { name } = metadata as { name?: unknown }
    if (kind === undefined || typeof name !== 'string') return undefined
    const namespace = clusterScoped.has(kind) ? undefined : namespaceOf(metadata)
    const text = JSON.stringify([raw['spec'], metadata['labels'], metadata['annotations']])
    const status = namespace === undefined ? undefined : this.#options.statusOf(namespace, name)
    const object = {
      ...raw,
      metadata: {
        ...metadata,
        ...(namespace !== undefined && { namespace }),
        creationTimestamp: new Date(modifiedAtMs).toISOString(),
      },
      ...(status !== undefined && { status }),
    }
    const resource = this.#options.decode(object)
    return resource === undefined ? undefined : { kind, namespace, name, resource, text }
  }

  /** There is no server that would say them, and access to a ClusterTokenStore waits for a namespace's labels. */
  #undeclaredNamespaces(found: ReadonlyMap<string, Placed>): ReadonlyMap<string, Placed> {
    const undeclared = new Map<string, Placed>()
    for (const { namespace } of found.values()) {
      if (namespace === undefined || found.has(`Namespace ${namespace}`)) continue
      const metadata = { name: namespace, labels: { 'kubernetes.io/metadata.name': namespace } }
      const placed = this.#place({ apiVersion: 'v1', kind: 'Namespace', metadata }, 0)
      if (placed !== undefined) undeclared.set(`Namespace ${namespace}`, placed)
    }
    return undeclared
  }

  #tellUnknownKind(raw: Manifest, path: string): void {
    const problem = this.#options.unknownKind(raw)
    if (problem !== undefined) this.#tell(`${path}|kind`, `${path}: ${problem.field} ${problem.message}`)
  }

  #tell(about: string, message: string): void {
    if (this.#told.get(about) === message) return
    this.#told.set(about, message)
    this.#options.logger.warn({}, message)
  }
}

function feed(
  handler: ResourceHandler,
  before: ReadonlyMap<string, Placed> | undefined,
  found: ReadonlyMap<string, Placed>,
): void {
  if (before === undefined) {
    for (const kind of kinds) {
      const resources = [...found.values()].filter((placed) => placed.kind === kind).map(({ resource }) => resource)
      handler.replaced(kind, resources)
    }
    return
  }
  for (const [key, { kind, namespace, name }] of before) if (!found.has(key)) handler.deleted(kind, namespace, name)
  for (const [key, placed] of found) {
    if (before.get(key)?.text !== placed.text) handler.upserted(placed.kind, placed.resource)
  }
}

function collectSecrets(objects: readonly Manifest[]): ManifestSecrets {
  const secrets = new Map<string, ReturnType<typeof secretData>>()
  for (const raw of objects) {
    const metadata = isObject(raw['metadata']) ? raw['metadata'] : {}
    if (raw['kind'] !== 'Secret' || typeof metadata['name'] !== 'string') continue
    secrets.set(secretKey(namespaceOf(metadata), metadata['name']), secretData(raw))
  }
  return secrets
}

function namespaceOf(metadata: Manifest): string {
  const { namespace } = metadata as { namespace?: unknown }
  return typeof namespace === 'string' && namespace !== '' ? namespace : defaultNamespace
}

/** `KIND NAMESPACE/NAME`, with the group before it where that is not ours. */
function objectName(raw: Manifest): string | undefined {
  const { kind, apiVersion } = raw
  const metadata = isObject(raw['metadata']) ? raw['metadata'] : {}
  const { name } = metadata as { name?: unknown }
  if (typeof kind !== 'string' || typeof name !== 'string') return undefined
  const group = typeof apiVersion === 'string' ? apiVersion.split('/').slice(0, -1).join('/') : ''
  const scoped = clusterScoped.has(kind) ? name : `${namespaceOf(metadata)}/${name}`
  return group === '' || group === apiGroup ? `${kind} ${scoped}` : `${group} ${kind} ${scoped}`
}

/** Undefined where the platform cannot watch: the regular look serves then. */
function notify(directory: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { recursive: true }, changed)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch (error) {
    classifyFileError(error)
    return undefined
  }
}
