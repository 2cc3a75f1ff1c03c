import { type Credential, keyText } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import { epochSeconds } from '../domain/time.ts'
import { settleUnexpected, type Unexpected } from '../domain/unexpected.ts'
import { bugFields } from './bug-fields.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import { record, type Recording } from './record.ts'

/**
 * `held`: nothing is left to do for a credential that is being deleted, but our finalizer is still on it. `owing`: it is
 * gone, and a store does not have yet what its record keeps.
 */
export type Ended = 'gone' | 'owing' | 'held'

/** How far a reconcile has come. */
export interface Course {
  /** True once it has begun to ask a token endpoint for tokens. */
  hasAsked: boolean
}

/** Whose reconcile it is, and what was known before it. */
interface Subject {
  readonly credential: Pick<Credential, 'key' | 'uid' | 'generation' | 'state'>
  readonly memory: CredentialMemory | undefined
}

/**
 * Keeps a bug that one credential brings out from all others: the credential fails, is tried again with backoff, and
 * the process goes on.
 *
 * Only while no token endpoint was asked. Until then everything that a reconcile does can be done once more, and what
 * was known before it still holds: memory changes at its end. Afterwards the answer, or what became of the request,
 * may be known to nobody else, and the way of a crash is the one that is proven: the journal tells the next process.
 */
export async function contained(
  subject: Subject,
  deps: Deps,
  work: (course: Course) => Promise<Recording | Ended>,
): Promise<Recording | Ended> {
  const course: Course = { hasAsked: false }
  try {
    return await work(course)
  } catch (bug) {
    if (course.hasAsked) throw bug
    return afterBug(subject, bug, deps)
  }
}

/** As {@link contained}, of what a credential that is gone owes its store: that is tried again. */
export async function containedOwing(
  credential: Pick<Credential, 'key' | 'uid'>,
  deps: Deps,
  work: () => Promise<'gone' | 'owing'>,
): Promise<'gone' | 'owing'> {
  try {
    return await work()
  } catch (bug) {
    tell(credential, bug, deps)
    return 'owing'
  }
}

async function afterBug(subject: Subject, bug: unknown, deps: Deps): Promise<Recording> {
  const { credential, memory } = subject
  const { key, uid, generation } = credential
  tell(credential, bug, deps)
  const before = memory?.state ?? credential.state
  const known: Unexpected = { credential, state: before, ...(memory?.pending && { pending: memory.pending }) }
  const step = settleUnexpected(known, deps.clock.now())
  try {
    return await record({ key, uid, generation, before, ...(memory && { memory }) }, step, deps)
  } catch (another) {
    // What cannot even be told is tried again all the same.
    tell(credential, another, deps)
    return { memory: remembered(subject, step.progress.state), requeue: step.wakeAt }
  }
}

function tell({ key, uid }: Pick<Credential, 'key' | 'uid'>, bug: unknown, { metrics, logger }: Deps): void {
  metrics.reconcilePanicked()
  logger.error({ credential: keyText(key), uid, ...bugFields(bug) }, 'a bug: this credential is tried again later')
}

function remembered({ credential: { uid }, memory }: Subject, state: CredentialState): CredentialMemory {
  const known = memory ?? { uid, target: { kind: 'unchecked' } as const, targetCheckAt: epochSeconds(0) }
  return { ...known, state, reported: false }
}
