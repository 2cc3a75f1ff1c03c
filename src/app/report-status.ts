import { type CredentialKey, keyText } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import type { StatusReport } from '../ports/status-writer.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import { isSameState } from './told-state.ts'
import type { Requeue } from './work-queue.ts'

/** Whose status it is, and what was known of it before the reconcile. */
interface Subject {
  readonly key: CredentialKey
  readonly uid: string
  readonly before: CredentialState
  readonly memory?: CredentialMemory
}

/** What a status tells. */
export interface Reported {
  readonly state: CredentialState
  readonly nextRefreshAt: Requeue
}

/** Writes the status when it differs from what was last written. True when status and memory agree afterwards. */
export async function report({ key, uid, before, memory }: Subject, next: Reported, deps: Deps): Promise<boolean> {
  if (!deps.mayTell()) return false
  // What goes on after an object is gone has no status to tell it in.
  if (deps.resources.credential(key)?.credential.uid !== uid) return true
  if (isTold(before, memory, next)) return true
  const { state, nextRefreshAt } = next
  return written({ key, uid, state, ...(nextRefreshAt !== undefined && { nextRefreshAt }) }, deps)
}

function isTold(before: CredentialState, memory: CredentialMemory | undefined, next: Reported): boolean {
  if (memory?.reported === true && isStillWaiting(before, next.state)) return true
  const planned = memory === undefined || memory.nextRefreshAt === next.nextRefreshAt
  return planned && memory?.reported !== false && isSameState(before, next.state)
}

/** True while another process is at the refresh and nothing else is new: a status every ten seconds would tell nobody more. */
function isStillWaiting(before: CredentialState, next: CredentialState): boolean {
  const { lastFailure: was } = before
  const { lastFailure: is } = next
  if (was?.code !== 'REFRESH_UNDER_WAY' || is === undefined) return false
  return isSameState({ ...next, lastFailure: { ...is, at: was.at } }, before)
}

async function written(content: StatusReport, deps: Deps): Promise<boolean> {
  const result = await deps.status.write(content)
  if (result.ok) return true
  deps.logger.warn({ credential: keyText(content.key), code: result.failure.code }, result.failure.message)
  return false
}
