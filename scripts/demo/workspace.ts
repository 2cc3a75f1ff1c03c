import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'
import { decodeResource } from '../../src/api/decode.ts'
import { sourceOf } from '../../src/domain/credential.ts'
import { outputKeys } from '../../src/domain/formats.ts'
import type { RegisteredClient } from '../../test/support/authorization-server.ts'
import type { Seed } from './seeds.ts'

const examples = fileURLToPath(new URL('../../examples/demo', import.meta.url))

/** Standalone mode and objects without a namespace. */
const namespace = 'default'

/** Says that a directory is the demo's own. */
const marker = '.demo'
/** What the demo and standalone mode leave in it. */
const leftovers = ['manifests', 'refresh-tokens', namespace, '.state']

/** One credential of the demo, and where its things are. */
export interface DemoCredential {
  readonly name: string
  /** The first file of its target. */
  readonly file: string
  /** The document with its refresh token. */
  readonly document: string
  readonly seed: Seed
}

/** The directory that the demo works in: it is the output directory of standalone mode. */
export interface Workspace {
  readonly directory: string
  readonly temporary: boolean
  readonly manifests: string
  readonly refreshTokens: string
  readonly targets: string
  readonly credentials: readonly DemoCredential[]
}

export interface WorkspaceOptions {
  readonly output: string | undefined
  readonly tokenEndpoint: string
  readonly client: RegisteredClient
  readonly seeds: readonly Seed[]
}

/** Lays out everything that standalone mode needs. Undefined when the output directory holds something else. */
export function prepareWorkspace({ output, seeds, ...server }: WorkspaceOptions): Workspace | undefined {
  const directory = output === undefined ? mkdtempSync(join(tmpdir(), 'oauth-demo-')) : resolve(output)
  if (!cleared(directory)) return undefined
  const manifests = join(directory, 'manifests')
  const refreshTokens = join(directory, 'refresh-tokens')
  const targets = join(directory, namespace)
  cpSync(examples, manifests, { recursive: true })
  pointAt(server, manifests)
  mkdirSync(refreshTokens, { mode: 0o700 })
  for (const { file, document } of seeds) {
    writeFileSync(join(refreshTokens, file), `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 })
  }
  const credentials = seeds.map((seed) => credentialOf(seed, { manifests, refreshTokens, targets }))
  return { directory, temporary: output === undefined, manifests, refreshTokens, targets, credentials }
}

/** Removes a workspace that nobody asked to keep. */
export function discardWorkspace({ directory, temporary }: Workspace): void {
  if (temporary) rmSync(directory, { recursive: true, force: true })
}

/** Takes away what an earlier demo left; false when the directory is not the demo's to write to. */
function cleared(directory: string): boolean {
  mkdirSync(directory, { recursive: true })
  const entries = readdirSync(directory)
  if (entries.length > 0 && !entries.includes(marker)) return false
  for (const name of leftovers) rmSync(join(directory, name), { recursive: true, force: true })
  writeFileSync(join(directory, marker), `Made by npm run demo. The next one here replaces ${leftovers.join(', ')}.\n`)
  return true
}

/** Puts the address and the client of the running server in place of those of the examples. */
function pointAt({ tokenEndpoint, client }: Pick<WorkspaceOptions, 'tokenEndpoint' | 'client'>, manifests: string) {
  edit(join(manifests, 'provider.yaml'), [
    [['spec', 'tokenEndpoint'], tokenEndpoint],
    [['spec', 'client', 'id'], client.id],
  ])
  chmodSync(join(manifests, 'client-secret.yaml'), 0o600)
  edit(join(manifests, 'client-secret.yaml'), [[['stringData', 'client-secret'], client.secret]])
}

function edit(file: string, changes: readonly (readonly [readonly string[], string])[]): void {
  const document = parseDocument(readFileSync(file, 'utf8'))
  for (const [path, value] of changes) {
    if (!document.hasIn(path)) throw new Error(`${file} has no ${path.join('.')} to replace`)
    document.setIn(path, value)
  }
  writeFileSync(file, document.toString())
}

function credentialOf(
  seed: Seed,
  { manifests, refreshTokens, targets }: Pick<Workspace, 'manifests' | 'refreshTokens' | 'targets'>,
): DemoCredential {
  for (const file of readdirSync(manifests)) {
    const resource = decodeResource(parseDocument(readFileSync(join(manifests, file), 'utf8')).toJS())
    if (resource?.type !== 'credential' || sourceOf(resource.credential.spec)?.key !== seed.file) continue
    const { key, spec } = resource.credential
    const [first = ''] = outputKeys(spec.target.outputs)
    const document = join(refreshTokens, seed.file)
    return { name: key.name, file: join(targets, spec.target.name, first), document, seed }
  }
  throw new Error(`no credential in ${manifests} uses ${seed.file}`)
}
