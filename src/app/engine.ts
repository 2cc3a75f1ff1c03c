import { type Credential, type CredentialKey, keyText } from '../domain/credential.ts'
import type { InvalidCredential } from '../domain/resources.ts'
import { later, seconds } from '../domain/time.ts'
import { auditBroughtHome } from './audit.ts'
import { contained, type Course, type Ended } from './contain.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps, EngineDeps } from './deps.ts'
import type { IndexedCredential } from './indexed-credential.ts'
import { writeBack } from './execute-write-back.ts'
import { Limiter } from './limiter.ts'
import { Namesakes } from './namesakes.ts'
import { PackedRecord } from './packed-record.ts'
import { reconcile, reconcileInvalid, settleOwing } from './reconcile.ts'
import type { Recording } from './record.ts'
import { RestartTurns } from './restart-turns.ts'
import { StoreLooks } from './store-looks.ts'
import { TargetLooks } from './target-looks.ts'
import { TokenHosts } from './token-hosts.ts'
import { type Requeue, WorkQueue } from './work-queue.ts'

/** How often a write-back is tried whose credential is gone, and a finalizer that could not be taken off. */
const leftoverRetry = seconds(60)
/** The record has what is owed, so a store that stays away is asked less and less. */
const longestLeftoverRetry = seconds(3600)
/** How often a token that is in memory alone is tried to be kept, when this process is to act no more. */
const rescueRetryMs = 2000

/**
 * Keeps every credential of the index fresh, for as long as this process may.
 *
 * One engine lives for one term of leadership: its memory is ahead of the statuses, and another
 * leader's work in between would make that memory wrong.
 */
export class Engine {
  readonly #deps: Deps
  readonly #queue: WorkQueue
  readonly #memory = new Map<string, CredentialMemory>()
  readonly #namesakes = new Namesakes()
  /** By name: of the object that was there last, until it is let go. Of one of an earlier term nothing else is known here. */
  readonly #uids = new Map<string, string>()
  /** By name: credentials that are gone, and whose record has what some store lacks. */
  readonly #owing = new Map<string, { readonly uid: string; readonly tries: number }>()

  #stopping = false

  constructor(deps: EngineDeps, onBug: (bug: unknown) => void) {
    const { clock, metrics, logger, resources } = deps
    const wake = (key: string): void => this.#queue.add(key)
    this.#deps = {
      ...deps,
      limiter: new Limiter(clock),
      storeLooks: new StoreLooks(),
      targetLooks: new TargetLooks(),
      restartTurns: new RestartTurns(clock, deps.restartPolicy?.perMinute),
      tokenHosts: new TokenHosts({ clock, metrics, logger, resources, wake }),
      wake,
      mayBegin: () => !this.#stopping && deps.mayBegin(),
    }
    this.#queue = new WorkQueue({ clock, metrics, onBug, work: (key) => this.#work(key) })
  }

  /** Begins with every credential that the index knows; after an outage those come first whose access tokens end first. */
  start(): void {
    if (this.#stopping) return
    const known = [...this.#deps.resources.credentials()].map(({ credential }) => credential)
    for (const { key, uid } of known) this.#uids.set(keyText(key), uid)
    for (const { key } of known.toSorted((one, other) => endOf(one) - endOf(other))) this.changed(key)
    this.#queue.start()
  }

  /** Something about this credential, or what it refers to, has changed. */
  changed(key: CredentialKey): void {
    this.#queue.add(keyText(key))
  }

  /** Something has happened to the target of this credential. */
  targetTouched(key: CredentialKey): void {
    const text = keyText(key)
    this.#deps.logger.debug({ credential: text }, 'somebody has changed the target: it is looked at')
    this.#queue.addAt(text, this.#deps.targetLooks.ask(text, this.#deps.clock.now()))
  }

  /** Begins nothing new and resolves when everything under way has ended; a request on the wire is never cut off. */
  stop(): Promise<void> {
    this.#stopping = true
    this.#deps.limiter.open()
    this.#deps.tokenHosts.open()
    return this.#queue.drain()
  }

  /**
   * Resolves when no refresh token is in the memory of this process alone, however long that takes. Only a
   * journal that failed, and record and store too, leave one there. Call it when nothing is under way.
   */
  async rescue(): Promise<void> {
    for (let alone = this.#alone(); alone.length > 0; alone = this.#alone()) {
      await this.#bringHome(alone)
      for (const [text] of this.#alone()) {
        this.#deps.logger.error({ credential: text }, 'a refresh token is in memory alone: it is tried to be kept')
        await new Promise<void>((resolve) => void this.#deps.clock.wakeAfter(rescueRetryMs, resolve))
      }
    }
  }

  #alone(): readonly (readonly [string, CredentialMemory])[] {
    return [...this.#memory].filter(([, memory]) => isAlone(memory, this.#deps))
  }

  /** Writes what was kept from a store for a while into it. Call it when nothing is under way. */
  flush(): Promise<void> {
    return this.#bringHome([...this.#memory].filter(([, { pending }]) => pending?.persisted === false))
  }

  async #bringHome(entries: readonly (readonly [string, CredentialMemory])[]): Promise<void> {
    await Promise.all(entries.map(([text, memory]) => this.#writeBack(text, memory)))
  }

  async #writeBack(text: string, memory: CredentialMemory): Promise<void> {
    const { pending, credential } = memory
    if (pending === undefined || credential === undefined) return
    const { storeWriteDueAt: _now, ...due } = pending
    const { record: packed, ...rest } = memory
    const subject = { ...rest, credential, ...(packed && { record: packed.unpacked() }) }
    const { written, committed } = await writeBack(due, subject, this.#deps)
    auditBroughtHome({ credential, state: memory.state }, { pending: due, written, committed }, this.#deps)
    const superseded = written.kind === 'superseded'
    const persisted = due.persisted || superseded || written.kind === 'written'
    const recorded = due.recorded || committed.ok
    const known = committed.ok ? { record: new PackedRecord(committed.value, credential) } : {}
    const next = { ...due, persisted, recorded, ...(superseded && { superseded }) }
    this.#memory.set(text, { ...rest, ...known, pending: next })
    this.#deps.logger.info({ credential: text, outcome: written.kind, recorded }, 'written back at the end')
  }

  memory(key: CredentialKey): CredentialMemory | undefined {
    return this.#memory.get(keyText(key))
  }

  /** The token hosts, to look at. */
  get tokenHosts(): Pick<TokenHosts, 'gauges'> {
    return this.#deps.tokenHosts
  }

  /** The queue, to look at. */
  get queue(): Pick<WorkQueue, 'depth' | 'longestRunningSeconds' | 'unfinishedSeconds'> {
    return this.#queue
  }

  async #work(text: string): Promise<Requeue> {
    const startedMs = this.#deps.clock.monotonicMs()
    const uid = this.#uidOf(text)
    const recording = await this.#deps.tokenHosts.during(text, () => this.#reconcile(text))
    const took = seconds((this.#deps.clock.monotonicMs() - startedMs) / 1000)
    if (recording === 'held') {
      this.#deps.metrics.reconciled('error', took)
      return later(this.#deps.clock.now(), leftoverRetry)
    }
    if (recording === 'gone' || recording === 'owing' || recording === undefined) {
      this.#deps.metrics.reconciled('success', took)
      return this.#letGo(text, recording === 'owing', uid)
    }
    this.#memory.set(text, recording.memory)
    const failing = recording.memory.state.lastFailure !== undefined
    this.#deps.metrics.reconciled(failing ? 'error' : 'requeue_after', took)
    if (failing) this.#deps.metrics.queueRetried()
    return recording.requeue
  }

  /** Of the object that the next reconcile has to do with: of one that is gone until it is let go. */
  #uidOf(text: string): string | undefined {
    return this.#uids.get(text) ?? this.#deps.resources.credential(keyOf(text))?.credential.uid
  }

  /**
   * Forgets a credential, unless a refresh token of it is not in its store: that goes on without the object. One that
   * is let go by its first reconcile was never remembered here, and is known from an earlier term all the same.
   */
  #letGo(text: string, isOwing: boolean, uid: string | undefined): Requeue {
    this.#deps.storeLooks.forget(keyOf(text))
    this.#deps.targetLooks.forget(text)
    const memory = this.#memory.get(text)
    if (memory?.pending?.persisted === false) return later(this.#deps.clock.now(), leftoverRetry)
    const gone = uid ?? this.#owing.get(text)?.uid
    if (gone !== undefined) this.#forget(gone)
    this.#memory.delete(text)
    this.#uids.delete(text)
    this.#namesakes.forget(text)
    return this.#replacedBy(text, uid) ?? this.#owes(text, isOwing, uid)
  }

  #forget(uid: string): void {
    this.#deps.tokenOwners.forget(uid)
    this.#deps.intentWatches.forget(uid)
    this.#deps.unconfirmedRecords.settle(uid)
    this.#deps.leftRecords.settle(uid)
  }

  /** Whoever comes after a credential finds in its record what some place lacks, and does not wait for that. */
  #owes(text: string, isOwing: boolean, gone: string | undefined): Requeue {
    const owed = this.#owing.get(text)
    this.#owing.delete(text)
    const uid = gone ?? owed?.uid
    if (!isOwing || uid === undefined) return undefined
    const tries = owed?.uid === uid ? owed.tries + 1 : 0
    this.#owing.set(text, { uid, tries })
    return later(this.#deps.clock.now(), seconds(Math.min(leftoverRetry * 2 ** tries, longestLeftoverRetry)))
  }

  /** A namesake that was created while its predecessor was brought to an end is begun at once. */
  #replacedBy(text: string, gone: string | undefined): Requeue {
    const indexed = this.#deps.resources.credential(keyOf(text))
    if (indexed === undefined) return undefined
    const { deleting, uid } = indexed.credential
    const isAnother = gone !== undefined && uid !== gone
    return isAnother || !deleting ? this.#deps.clock.now() : undefined
  }

  #reconcile(text: string): Promise<Recording | Ended | undefined> {
    const key = keyOf(text)
    const memory = this.#memory.get(text)
    const indexed = this.#deps.resources.credential(key)
    const left = leftBehind(memory, indexed?.credential.uid)
    if (left !== undefined) return this.#bringToEnd(left, memory, indexed)
    const before = this.#uids.get(text) ?? this.#owing.get(text)?.uid
    if (indexed === undefined)
      return before === undefined ? Promise.resolve(undefined) : settleOwing({ key, uid: before }, this.#deps)
    const { uid } = indexed.credential
    this.#takeName(text, uid, before)
    return this.#reconcileIndexed(indexed, memory?.uid === uid ? memory : undefined)
  }

  /** The name is this object's by now, and nothing is left to do for the one before it. */
  #takeName(text: string, uid: string, before: string | undefined): void {
    this.#owing.delete(text)
    if (before !== undefined && before !== uid) this.#forget(before)
    this.#uids.set(text, uid)
  }

  #reconcileIndexed(indexed: IndexedCredential, known: CredentialMemory | undefined): Promise<Recording | Ended> {
    if (indexed.type === 'credential') return this.#act(indexed.credential, known)
    const { credential } = indexed
    const lastGood = known?.credential
    return lastGood !== undefined && needsLastGood(credential, known)
      ? this.#act({ ...lastGood, ...standingOf(credential) }, known)
      : contained({ credential, memory: known }, this.#deps, () => reconcileInvalid(credential, known, this.#deps))
  }

  /** While another object waits for the name, that one is told what keeps it; and it is let go, when it is to go itself. */
  async #bringToEnd(
    left: Credential,
    memory: CredentialMemory | undefined,
    next: IndexedCredential | undefined,
  ): Promise<Recording | Ended> {
    const recording = await this.#act(left, memory)
    if (next === undefined || typeof recording === 'string') return recording
    if (next.credential.deleting) await this.#reconcileIndexed(next, undefined)
    else await this.#namesakes.tell(next, recording.memory.state, this.#deps)
    return recording
  }

  #act(credential: Credential, memory: CredentialMemory | undefined): Promise<Recording | Ended> {
    const work = (course: Course): Promise<Recording | Ended> => reconcile(credential, memory, course, this.#deps)
    return contained({ credential, memory }, this.#deps, work)
  }
}

/** True when nothing but the memory of this process holds the newest refresh token. */
function isAlone({ uid, pending }: CredentialMemory, { journal }: Deps): boolean {
  if (pending === undefined || pending.recorded) return false
  if (pending.persisted && pending.superseded !== true) return false
  return journal.pending(uid)?.phase !== 'answered'
}

/** When the access token ends that is in the target; nothing published yet is the most urgent. */
function endOf({ state }: Pick<Credential, 'state'>): number {
  return state.accessTokenExpiresAt ?? 0
}

/** True when a spec that cannot be acted on must not keep tokens from where they belong, nor a target from being cleaned up. */
function needsLastGood({ deleting }: InvalidCredential, known: CredentialMemory | undefined): boolean {
  return deleting || known?.pending?.persisted === false
}

function standingOf({ deleting, finalized }: InvalidCredential): Pick<Credential, 'deleting' | 'finalized'> {
  return { deleting, finalized }
}

/** A credential that vanished, or gave its name to another: its tokens are brought home and its target is cleaned up first. */
function leftBehind(memory: CredentialMemory | undefined, uid: string | undefined): Credential | undefined {
  if (memory?.credential === undefined || memory.uid === uid) return undefined
  return { ...memory.credential, deleting: true, finalized: false }
}

function keyOf(text: string): CredentialKey {
  const [namespace = '', name = ''] = text.split('/', 2)
  return { namespace, name }
}
