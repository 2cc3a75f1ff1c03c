import { type Failure, failure } from '../../domain/failures.ts'
import { type JsonNode, parseJsonText } from '../../domain/json-text.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import { storeText, type TokenStore } from '../../domain/token-store.ts'
import type { RefreshTokenLocation } from '../../ports/refresh-token-store.ts'
import { saysNoMount } from './classify.ts'
import { KvRead, type Metadata, Mount, parseJson } from './schema.ts'
import type { VaultExchange } from './vault-connection.ts'
import { encodePath } from './vault-login.ts'
import type { VaultSession } from './vault-session.ts'

/** The object at a path, and which version of it. */
export interface KvDocument {
  readonly text: Sensitive
  readonly version: string
  /** Present when Vault deletes this version by itself, because of `delete_version_after`. */
  readonly life?: VersionLife
}

/** When a version ends by itself, and the setting of its document or mount that says so. */
export interface VersionLife {
  /** As Vault writes it, RFC 3339. */
  readonly endsAt: string
  /** `delete_version_after` in seconds. */
  readonly lengthSeconds: number
}

/**
 * A number that no version has, so that a write carrying it as `cas` is refused, after Vault has
 * looked at everything else: login, policy, seal, storage. Version numbers begin at 1, and 0 stands
 * for a path without versions.
 */
export const impossibleCas = -1

export function kvPath({ store, key }: RefreshTokenLocation): string {
  return `${encodePath(mountOf(store))}/data/${encodePath(key)}`
}

/** `<number>@<time of creation>`. */
export function versionText(metadata: { version: number; created_time: string }): string {
  return `${metadata.version}@${metadata.created_time}`
}

/** The number that a write has to name as the current one. */
export function casOf(version: string): number {
  return Number.parseInt(version, 10)
}

/** What a read brought; undefined when the exchange is neither a document nor the news that there is none. */
export function documentOf(exchange: VaultExchange): KvDocument | 'missing' | undefined {
  if (exchange.kind !== 'answered') return undefined
  const { status, body } = exchange.answer
  if (status === 404) return 'missing'
  const read = status === 200 ? KvRead.safeParse(parseJson(body)) : undefined
  if (read?.success !== true) return undefined
  const text = dataText(body)
  if (text === undefined) return 'missing'
  const { metadata } = read.data.data
  const life = lifeOf(metadata)
  return { text, version: versionText(metadata), ...(life === undefined ? {} : { life }) }
}

function lifeOf({ created_time: begin, deletion_time: end = '' }: Metadata): VersionLife | undefined {
  const lengthSeconds = Math.round((Date.parse(end) - Date.parse(begin)) / 1000)
  return Number.isNaN(lengthSeconds) ? undefined : { endsAt: end, lengthSeconds }
}

/** The characters of `data.data`: parsing and printing would round large numbers. */
function dataText(body: Sensitive): Sensitive | undefined {
  const text = body.reveal()
  const data = member(member(parseJsonText(text), 'data'), 'data')
  return data?.kind === 'object' ? new Sensitive(text.slice(data.start, data.end)) : undefined
}

function member(node: JsonNode | undefined, name: string): JsonNode | undefined {
  return node?.kind === 'object' ? node.members.find((candidate) => candidate.name === name)?.value : undefined
}

/** Why a path has no document. Vault says the same of a path that is empty and of an engine that has no such paths. */
export async function explainMissing(
  exchange: VaultExchange,
  session: VaultSession,
  { store, key }: RefreshTokenLocation,
): Promise<Failure> {
  const gone = goneText(exchange)
  if (gone === undefined && (await hasNoSuchEngine(exchange, session, store))) {
    const what = `${storeText(store)} has no KV version 2 engine at its mount "${mountOf(store)}", where the document "${key}" was looked for.`
    return failure('STORE_INVALID', what)
  }
  const reason = gone ?? 'does not exist'
  return failure('REFRESH_TOKEN_MISSING', `The document "${key}" of ${storeText(store)} ${reason}.`)
}

function goneText(exchange: VaultExchange): string | undefined {
  const read = exchange.kind === 'answered' ? KvRead.safeParse(parseJson(exchange.answer.body)) : undefined
  if (read?.success !== true) return undefined
  const { version, destroyed } = read.data.data.metadata
  return destroyed === true ? `is gone: version ${version} was destroyed` : `is gone: version ${version} was deleted`
}

/** False also when it cannot be found out. */
async function hasNoSuchEngine(exchange: VaultExchange, session: VaultSession, store: TokenStore): Promise<boolean> {
  if (exchange.kind === 'answered' && saysNoMount(exchange.answer)) return true
  const look = await session.call(
    { method: 'GET', path: `sys/internal/ui/mounts/${encodePath(mountOf(store))}` },
    'read',
  )
  if (!look.ok || look.value.kind !== 'answered' || look.value.answer.status !== 200) return false
  const mount = Mount.safeParse(parseJson(look.value.answer.body))
  return mount.success && !(mount.data.data.type === 'kv' && mount.data.data.options?.version === '2')
}

function mountOf({ backend }: TokenStore): string {
  if (backend.type !== 'vault') throw new Error('a store of another type was handed to the Vault adapter')
  return backend.mount
}
