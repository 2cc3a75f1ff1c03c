import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type Document, LineCounter, parseAllDocuments, visit } from 'yaml'
import { classifyFileError } from './file-error.ts'

/** One file of manifests. */
export interface ManifestFile {
  /** Relative to the directory. */
  readonly path: string
  readonly modifiedAtMs: number
  readonly objects: readonly Readonly<Record<string, unknown>>[]
  /** Why the file cannot be read; says line and column, never content. */
  readonly problem?: string
}

const extension = /\.(ya?ml|json)$/
const largestFile = 1 << 20
const deepest = 8

/**
 * Every `*.yaml`, `*.yml` and `*.json` below a directory, sorted by path. Names that begin with a dot
 * are passed over, and so are kubelet's `..data` directories, through which mounted files are links.
 */
export async function readManifestFiles(directory: string): Promise<readonly ManifestFile[]> {
  const paths = await manifestPaths(directory, directory, 0)
  const files = await Promise.all(paths.sort().map((path) => readManifestFile(directory, path)))
  return files.filter((file) => file !== undefined)
}

async function manifestPaths(root: string, directory: string, depth: number): Promise<string[]> {
  if (depth > deepest) return []
  const entries = await readdir(directory, { withFileTypes: true })
  const found = entries
    .filter(({ name }) => !name.startsWith('.'))
    .map(async (entry) => {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return manifestPaths(root, path, depth + 1)
      return extension.test(entry.name) ? [relative(root, path)] : []
    })
  return (await Promise.all(found)).flat()
}

async function readManifestFile(directory: string, path: string): Promise<ManifestFile | undefined> {
  const place = join(directory, path)
  try {
    const stats = await stat(place)
    const { mtimeMs, size } = stats
    const base = { path, modifiedAtMs: mtimeMs }
    // Reading a pipe would never end, and neither would the look at the directory, nor this process.
    if (!stats.isFile()) return { ...base, objects: [], problem: 'it is no regular file' }
    if (size > largestFile) return { ...base, objects: [], problem: 'the file is larger than 1 MiB' }
    return { ...base, ...parseManifests(await readFile(place, 'utf8')) }
  } catch (error) {
    const { problem, cause } = classifyFileError(error)
    // Deleted between the listing and now: the next look finds it gone.
    return problem === 'missing' ? undefined : { path, modifiedAtMs: 0, objects: [], problem: cause }
  }
}

function parseManifests(text: string): Pick<ManifestFile, 'objects' | 'problem'> {
  const lineCounter = new LineCounter()
  // Its warnings quote the text, which may be a Secret's, and go to stderr.
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, logLevel: 'error' })
  const objects: Readonly<Record<string, unknown>>[] = []
  for (const document of Array.isArray(documents) ? documents : []) {
    const [error] = document.errors
    if (error !== undefined) return { objects: [], problem: `${placeText(lineCounter, error.pos[0])}: ${error.code}` }
    const value = valueOf(document)
    if (value === undefined) {
      const problem = `${placeText(lineCounter, aliasOffset(document))}: this document has an alias (*name) that leads nowhere or in a circle, or too many of them`
      return { objects: [], problem }
    }
    objects.push(...unfold(value.root))
  }
  return { objects }
}

/**
 * Undefined when an alias leads nowhere, as in an unquoted `*.example.com`, when it leads to what it
 * is in, or when so many unfold that it looks like an attack.
 */
function valueOf(document: Document.Parsed): { readonly root: unknown } | undefined {
  try {
    const root = document.toJS({ maxAliasCount: 100 }) as unknown
    JSON.stringify(root)
    return { root }
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof TypeError) return undefined
    throw error
  }
}

/** Where the first alias is that leads nowhere, or else the first one. */
function aliasOffset(document: Document.Parsed): number {
  const offsets: number[] = []
  const astray: number[] = []
  visit(document, {
    Alias(_, alias) {
      const offset = alias.range?.[0] ?? 0
      offsets.push(offset)
      if (alias.resolve(document) === undefined) astray.push(offset)
    },
  })
  return astray[0] ?? offsets[0] ?? document.range[0]
}

function placeText(lineCounter: LineCounter, offset: number): string {
  const { line, col } = lineCounter.linePos(offset)
  return `line ${line}, column ${col}`
}

/** A `List` stands for its items. */
function unfold(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!isObject(value)) return []
  const { kind, items } = value as { kind?: unknown; items?: unknown }
  return kind === 'List' && Array.isArray(items) ? items.flatMap(unfold) : [value]
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
