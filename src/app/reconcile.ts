import { advance } from '../domain/advance.ts'
import { type Credential, isRefreshTokenAt, keyText, type RefreshTokenSource } from '../domain/credential.ts'
import { noState } from '../domain/credential-state.ts'
import { decide, decideInvalid } from '../domain/decide.ts'
import type { Failure } from '../domain/failures.ts'
import type { InvalidCredential } from '../domain/resources.ts'
import type { Observed } from '../domain/observed.ts'
import { openedTokens, withOpened } from '../domain/opened-tokens.ts'
import { intentsOf, type KeptTokens, newestIn, type RefreshRecord } from '../domain/refresh-record.ts'
import { sourcesOf } from '../domain/inherited-record.ts'
import { facing, withoutKept } from '../domain/record-places.ts'
import { present } from '../domain/present.ts'
import { ok } from '../domain/result.ts'
import { wasSeenInStore } from '../domain/store-sight.ts'
import { outcomeAttributes, settledAttributes } from '../domain/span-attributes.ts'
import type { Action, BroughtHome, Outcome, Progress, Step } from '../domain/step.ts'
import { auditPerformed } from './audit.ts'
import { containedOwing, type Course, type Ended } from './contain.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import { execute } from './execute.ts'
import { bringHome } from './execute-record-look.ts'
import { readRecord } from './execute-record.ts'
import { facingSpec, gather } from './gather.ts'
import { placeOfSource } from './left-records.ts'
import { record, type Recording } from './record.ts'
import { isHeldAlone, recoverElsewhere, recoverEntry } from './recover-journal.ts'
import { tellConsumers } from './tell-consumers.ts'
import { describeSpan, inSpan, inTrace } from './traced.ts'
import { atItsTurn } from './turns.ts'

type Act = Extract<Step, { kind: 'act' }>
type Settled = Extract<Step, { kind: 'settled' }>

/**
 * Brings one credential as far as it goes now: gather everything once, decide, execute one action
 * after the other, record how it ended.
 *
 * Guarantees: level-based, so running it twice does what once does; a rotated refresh token goes into
 * the store before its access token is published; ends with a time to come back, or waits for a change.
 */
export async function reconcile(
  credential: Credential,
  memory: CredentialMemory | undefined,
  course: Course,
  deps: Deps,
): Promise<Recording | Ended> {
  const beganMs = deps.tracing && deps.clock.monotonicMs()
  const { spec } = credential
  deps.tokenOwners.placed(credential)
  const isAtAnswer = memory?.pending !== undefined || memory?.settledAnswerAt !== undefined
  const recovered = await recoverElsewhere(credential, { spec, isAtAnswer, pending: memory?.pending }, deps)
  const gathered = await gather(credential, memory, deps)
  const observed = recovered === undefined ? gathered : withRecovered(gathered, recovered)
  const first = atItsTurn(decide(observed, deps.clock.now()), observed, deps)
  const begun: Begun = { credential, memory, course, observed, first }
  return inTrace({ observed, first, beganMs }, deps, (traced) => goOn(begun, traced))
}

/** What the journal had is in the record, wherever else it is to go. */
function withRecovered({ journal: _recovered, ...gathered }: Observed, record: RefreshRecord): Observed {
  return { ...gathered, record: withOpened(facingSpec(record, gathered.credential.spec), openedTokens(gathered)) }
}

/** A reconcile that knows what is to be done first. */
interface Begun {
  readonly credential: Credential
  readonly memory: CredentialMemory | undefined
  readonly course: Course
  readonly observed: Observed
  readonly first: Step
}

async function goOn({ credential, memory, course, observed, first }: Begun, deps: Deps): Promise<Recording | Ended> {
  let step = first
  let seen = observed
  while (step.kind === 'act') {
    const { action, progress }: Act = step
    if (asksForTokens(action)) course.hasAsked = true
    const outcome = await perform(step, seen, deps)
    const next = advance(seen, step, outcome, deps.clock.now())
    auditPerformed(seen, { action, outcome, next }, deps)
    if (next.progress.isBegunAnew !== progress.isBegunAnew) seen = withJournal(observed, deps)
    step = next
  }
  const settled = step
  describeSpan(() => settledAttributes(settled), deps)
  if (step.settlement.kind === 'gone') return letGo(credential, step, deps)
  const { key, uid, generation } = credential
  const end = deps.storeLooks.paced(step, observed, deps.clock.now())
  const subject = { key, uid, generation, before: observed.state, observed, ...(memory && { memory }) }
  return inSpan({ name: 'record' }, deps, async (within) =>
    tellConsumers({ subject, end, recording: await record(subject, end, within) }, within),
  )
}

/** What the journal says by now of a request that begins anew. */
function withJournal({ journal: _before, ...rest }: Observed, { journal }: Deps): Observed {
  return { ...rest, ...present({ journal: journal.pending(rest.credential.uid) }) }
}

function perform(step: Act, observed: Observed, deps: Deps): Promise<Outcome> {
  return inSpan({ name: step.action.kind }, deps, (within) => execute(step, observed, within), outcomeAttributes)
}

/** True for an action that asks a token endpoint for tokens. */
function asksForTokens({ kind }: Action): boolean {
  return kind === 'send-refresh-token' || kind === 'request-access-token'
}

/** Tells what is wrong with a credential that cannot be acted on. */
export async function reconcileInvalid(
  credential: InvalidCredential,
  memory: CredentialMemory | undefined,
  deps: Deps,
): Promise<Recording | Ended> {
  await recoverElsewhere(credential, { spec: undefined, isAtAnswer: true, pending: memory?.pending }, deps)
  const state = memory?.state ?? credential.state
  const step = decideInvalid({ credential, state }, deps.clock.now())
  if (step.kind === 'act') throw new Error('an invalid credential is never acted on')
  if (step.settlement.kind === 'gone') return letGo(credential, step, deps)
  const { key, uid, generation } = credential
  deps.storeLooks.forget(key)
  return record({ key, uid, generation, before: state, ...(memory && { memory }) }, step, deps)
}

async function letGo(credential: Leaving, step: Settled, deps: Deps): Promise<Ended> {
  await forgetRequest(credential.uid, step, deps)
  const ended = await forgetRecord(credential, step.progress, deps)
  if (step.progress.release !== true) return ended
  const released = await deps.status.setFinalizer(credential, false)
  if (released.ok) return ended
  deps.logger.warn({ credential: keyText(credential.key), code: released.failure.code }, released.failure.message)
  return 'held'
}

/** With the spec that it was last acted on with, where that is at hand. */
type Leaving = Pick<Credential, 'key' | 'uid'> & Partial<Pick<Credential, 'spec'>>

/** One that is gone, and what was known of it. */
type Gone = Leaving & Pick<Credential, 'state'>

/**
 * The record of a credential that is gone goes too, unless it holds what its store does not, or another credential is
 * there to inherit it. Nothing but a look at both says so: what an earlier process told may have been before its last
 * refresh.
 */
async function forgetRecord(
  credential: Leaving,
  { pending, state = noState }: Partial<Pick<Progress, 'pending' | 'state'>>,
  deps: Deps,
): Promise<'gone' | 'owing'> {
  if (pending?.persisted === false) return 'gone'
  const read = await readRecord(credential, undefined, deps)
  if (!read.ok) {
    toldToStay(credential, read.failure, deps)
    return read.failure.code === 'REFRESH_RECORD_DAMAGED' ? 'gone' : 'owing'
  }
  const record = read.value
  const reason = await staysFor({ ...credential, state }, record, deps)
  if (reason !== undefined) return reason
  if (intentsOf(record).length > 0) return 'gone'
  if (hasHeir(record, deps)) await leaveToHeirs(record, deps)
  else await removeRecord(credential, record, deps)
  return 'gone'
}

/**
 * Whether the record has the only copy of something: then it stays. `owing`: a store is asked again, which may have it
 * later. What is in its store was seen there once, whatever that says now.
 */
async function staysFor(credential: Gone, record: RefreshRecord, deps: Deps): Promise<'gone' | 'owing' | undefined> {
  let reason: 'gone' | 'owing' | undefined
  for (const tokens of newestIn(record)) {
    const home = await bringHome(tokens, { credential, state: credential.state }, deps)
    if (!home.ok && tokens.isHome !== true) {
      toldToStay(credential, home.failure, deps)
      reason = 'owing'
    }
    if (home.ok && !isSeenAt(home.value) && mayBeMissing(tokens, credential)) reason ??= 'gone'
  }
  return reason
}

/** False where the document is gone, or shows something else: that may be a mistake which somebody takes back. */
function isSeenAt({ kind }: BroughtHome): boolean {
  return kind === 'at-home' || kind === 'written'
}

/**
 * Whoever takes a credential away together with its document wants nothing of it back. Of earlier ones nobody may have
 * thought; and what no process has seen in the document may never have been there.
 */
function mayBeMissing({ source, isHome, fingerprint }: KeptTokens, { spec, state }: Gone): boolean {
  const isSeenHere = wasSeenInStore(state, fingerprint) && spec !== undefined && isRefreshTokenAt(spec, source)
  return isHome !== true && !isSeenHere
}

/** What is at home at places that nobody names any more is nobody's inheritance, and whoever has inherited the rest is to remove it. */
async function leaveToHeirs(record: RefreshRecord, deps: Deps): Promise<void> {
  const named = newestIn(record).filter(({ source }) => isNamed(source, record, deps))
  const faced = named.at(-1)
  if (faced === undefined || named.length === newestIn(record).length) return
  const left = newestIn(record).filter((one) => !named.includes(one))
  const fingerprints = left.map(({ fingerprint }) => fingerprint)
  const replaced = await deps.records.replace(withoutKept(facing(record, faced.source), fingerprints), undefined)
  if (!replaced.ok) toldToStay(record, replaced.failure, deps)
}

async function removeRecord(
  credential: Pick<Credential, 'key' | 'uid'>,
  record: RefreshRecord,
  deps: Deps,
): Promise<void> {
  // What this process has just made may arrive once more, or late: where there is a record, that is refused.
  if (deps.unconfirmedRecords.has(credential.uid)) return
  const removed = record.version === '' ? ok(undefined) : await deps.records.remove(record)
  if (removed.ok) deps.leftRecords.forget(credential.uid)
  else toldToStay(credential, removed.failure, deps)
}

/** Goes on with what a credential that is gone has left in its record alone. */
export function settleOwing(credential: Pick<Credential, 'key' | 'uid'>, deps: Deps): Promise<'gone' | 'owing'> {
  return containedOwing(credential, deps, () => forgetRecord(credential, {}, deps))
}

function hasHeir(record: RefreshRecord, deps: Deps): boolean {
  return sourcesOf(record).some((source) => isNamed(source, record, deps))
}

function isNamed(source: RefreshTokenSource, { credential }: RefreshRecord, { resources }: Deps): boolean {
  return resources.isNamed(placeOfSource(credential, source, resources))
}

function toldToStay({ uid }: Pick<Credential, 'uid'>, { code, message }: Failure, deps: Deps): void {
  deps.logger.warn({ uid, code }, message)
}

/**
 * The journal keeps an answer whose refresh token is not in its store, and nothing else of what is gone. Who inherits the
 * refresh token finds in the record that nobody is at it any more.
 */
async function forgetRequest(uid: string, { progress }: Settled, deps: Deps): Promise<void> {
  const entry = deps.journal.pending(uid)
  const { pending } = progress
  if (entry === undefined || (entry.phase === 'answered' && pending?.persisted !== true)) return
  if (pending !== undefined && isHeldAlone(pending, entry)) return
  const result = entry.phase === 'answered' ? await deps.journal.settled(uid) : await recoverEntry(entry, deps)
  if (!result.ok) toldToStay({ uid }, result.failure, deps)
}
