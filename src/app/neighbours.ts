import type { Credential, CredentialKey } from '../domain/credential.ts'
import { type HeldIntent, intentOn, isHeld, isNewestIn, type RefreshRecord } from '../domain/refresh-record.ts'
import { ok, type Result } from '../domain/result.ts'
import type { EngineDeps } from './deps.ts'
import { readRecord } from './execute-record.ts'
import { intentOverMs } from './intent-watches.ts'

/** Another credential at the same place, and what its record tells. */
export interface Neighbour {
  readonly key: CredentialKey
  readonly record: RefreshRecord
  /** True of the one that came first. */
  readonly isFirst: boolean
}

/**
 * The records of all others at the place of this credential.
 *
 * Failures: those of reading a record. What cannot be found out is asked again before anything is sent; a record of a
 * later one that is damaged tells nothing, and stands against that one only.
 */
export async function neighboursAt(credential: Credential, deps: EngineDeps): Promise<Result<readonly Neighbour[]>> {
  const { resources } = deps
  const first = resources.firstAt(credential)
  const reads = await Promise.all(
    resources
      .othersAt(credential)
      .map(async (neighbour) => ({ neighbour, read: await readRecord(neighbour, undefined, deps) })),
  )
  const found: Neighbour[] = []
  for (const { neighbour, read } of reads) {
    const isFirst = neighbour === first
    if (!read.ok && (isFirst || read.failure.code !== 'REFRESH_RECORD_DAMAGED')) return read
    if (read.ok) found.push({ key: neighbour.key, record: read.value, isFirst })
  }
  return ok(found)
}

/**
 * Of others at the same place, one whose record knows this token: whoever has used it up, or may be at it, owns
 * it, and of the first one there it is enough that the token is its newest, or that its answer was lost, whatever its
 * status says. Not every document can bear a claim, and the memory of a process is not that of the one before.
 *
 * Asked once more when one's own intent stands: of two that know each other, and ask at the same time, at least one
 * finds the other's. Where the answer to a later one was lost, or was to a process that is gone, nobody has what came of
 * it: that holds the first one up no more than an answer of its own would.
 */
export async function ownerAmong(
  neighbours: readonly Neighbour[],
  fingerprint: string,
  deps: EngineDeps,
): Promise<CredentialKey | undefined> {
  for (const neighbour of neighbours) if (await owns(neighbour, fingerprint, deps)) return neighbour.key
  return undefined
}

/** True when nobody else may present the token, as far as this record tells. */
async function owns({ record, isFirst }: Neighbour, fingerprint: string, deps: EngineDeps): Promise<boolean> {
  const intent = intentOn(record, fingerprint)
  if (record.spent.includes(fingerprint)) return true
  if (intent !== undefined && isHeld(intent)) return !(await isOver(intent, record, deps))
  return isFirst && (isNewestIn(record, fingerprint) || intent !== undefined)
}

/** True when whoever began can have no answer any more: what is true of one's own record before it is taken over. */
export async function isOver(intent: HeldIntent, record: RefreshRecord, deps: EngineDeps): Promise<boolean> {
  const unchangedMs = deps.intentWatches.unchangedMs(record, intent, deps.clock.monotonicMs())
  if (unchangedMs < intentOverMs) return false
  const gone = await deps.holders.isGone(intent.holder)
  if (!gone.ok) deps.logger.warn({ code: gone.failure.code }, gone.failure.message)
  return gone.ok && gone.value
}
