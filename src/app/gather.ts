import { conditionOf } from '../domain/conditions.ts'
import {
  type Credential,
  type CredentialKey,
  type CredentialSpec,
  isRefreshTokenAt,
  keyText,
  refreshTokenSpec,
  sourceOf,
} from '../domain/credential.ts'
import { failureRegistry } from '../domain/failure-registry.ts'
import { stateUnderGrant } from '../domain/grant-state.ts'
import type { JournalEntry } from '../domain/journal-entry.ts'
import type { Observed, PendingTokens, Referent, TargetObservation } from '../domain/observed.ts'
import { present } from '../domain/present.ts'
import { previousKeyOf, targetKeys, withSeenPrevious } from '../domain/previous-token.ts'
import { dueAt } from '../domain/due.ts'
import { facing } from '../domain/record-places.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { stableFraction, stableHash } from '../domain/stable-fraction.ts'
import { storeAccessProblem } from '../domain/store-access.ts'
import { endsWithCredential } from '../domain/revocation.ts'
import type { Progress } from '../domain/step.ts'
import { loginDigest, loginOf } from '../domain/target-login.ts'
import { markIn } from '../domain/issuance-mark.ts'
import { type DurationSeconds, type EpochSeconds, later, minutes, seconds } from '../domain/time.ts'
import type { Publication, TargetIdentity } from '../ports/access-token-sink.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import { withHeldToken } from './held-token.ts'

/** How long after a publication, or the last look, a target is compared with what was published, unless it is said. */
const defaultTargetCheckInterval = minutes(10)

export function targetCheckIntervalOf({ targetCheckInterval }: Pick<Deps, 'targetCheckInterval'>): DurationSeconds {
  return targetCheckInterval ?? defaultTargetCheckInterval
}

/**
 * Everything a decision looks at. At most three reads over the network: the target, when its look-up is due, after a
 * refusal what the client proves itself with, and the token in the target where nothing else of it is to change.
 */
export async function gather(
  credential: Credential,
  memory: CredentialMemory | undefined,
  deps: Deps,
): Promise<Observed> {
  const { resources, journal, sink, usesFinalizers } = deps
  const provider = resources.provider(credential)
  const source = sourceOf(credential.spec)
  const store: Observed['store'] =
    source === undefined ? { kind: 'none' } : resources.storeOf(source.store, credential.key.namespace)
  const identity = targetIdentity(credential)
  const needsCleanup = sink.needsCleanup(identity)
  const targetDigest = resources.publicationDigests.of(credential.spec)
  const { inputs, grantInputs } = inputsOf(credential, [provider, store], loginOf(targetDigest))
  const known: Observed = present({
    ...rememberedOf(credential, memory, deps),
    namespaceLabels: resources.namespaceLabels(credential.key.namespace),
    journal: unsettled(journal.pending(credential.uid), memory),
    firstOwner: firstOwnerOf(credential, deps),
    targetHolder: resources.firstInto(credential)?.key,
    documentTokens: documentTokensOf(credential, deps),
    withoutConsumers: deps.consumers === undefined ? (true as const) : undefined,
    credential,
    provider,
    store,
    targetDigest,
    needsCleanup,
    needsFinalizer: (needsCleanup || endsWithCredential(credential.spec)) && usesFinalizers,
    inputs,
    grantInputs,
  })
  const refused = await withClient(known, deps)
  return isLookDue(refused, deps) ? withHeldToken(await withTarget(refused, identity, deps), identity, deps) : refused
}

/** Absent for a document of its own, as nearly all are. */
function documentTokensOf(credential: Credential, { resources }: Deps): number | undefined {
  const tokens = resources.tokensBeside(credential)
  return tokens === 1 ? undefined : tokens
}

/** A client that was refused may have been given another secret, which no manifest tells. */
async function withClient(observed: Observed, { tokenEndpoint }: Deps): Promise<Observed> {
  const { state, provider } = observed
  const { lastFailure } = state
  if (lastFailure?.code !== 'CLIENT_REJECTED' || provider.kind !== 'found') return observed
  const since = await tokenEndpoint.clientSince(provider.value)
  return since !== undefined && since > lastFailure.at ? { ...observed, clientChanged: true } : observed
}

type Certain = Pick<Observed, 'state' | 'target' | 'targetCheckAt'>

/** What an earlier reconcile of this process has found, where there was one. */
type Remembered = Certain & {
  readonly [Name in keyof Progress & keyof Observed & keyof CredentialMemory]?: Observed[Name] | undefined
}

function rememberedOf(credential: Credential, memory: CredentialMemory | undefined, deps: Deps): Remembered {
  if (memory === undefined) {
    const state = stateUnderGrant(credential.state, credential.spec)
    return { state, target: { kind: 'unchecked' }, targetCheckAt: firstCheckAt(credential, deps) }
  }
  const { target, rejected, record, opened, intentWatch, rolledForwardAt } = memory
  const state = stateUnderGrant(memory.state, credential.spec)
  const { accessToken, look }: Partial<CredentialMemory> = isOfLogin(memory, credential) ? memory : {}
  // What was read of one document says nothing of another one.
  const { claim: packed, left, foundAlone }: Partial<CredentialMemory> = isAtPlace(memory, credential) ? memory : {}
  const { uid, key } = credential
  return {
    state,
    target,
    targetCheckAt: nextCheckAt(memory, credential, deps),
    pending: owed(memory, credential),
    accessToken,
    rejected,
    record: record && facingSpec(record.unpacked(), credential.spec),
    opened,
    foundAlone,
    claim: packed?.unpacked({ uid, key, installation: deps.installation.id }),
    intentWatch,
    rolledForwardAt,
    left,
    look,
  }
}

/** The record as it is for the place of the spec. */
export function facingSpec(record: RefreshRecord, spec: CredentialSpec): RefreshRecord {
  return spec.grant === 'RefreshToken' ? facing(record, spec.refreshToken) : record
}

/** What belongs to a place that was left is brought home from the record, once that has it, and nobody waits for it. */
function owed({ pending }: CredentialMemory, { spec }: Credential): PendingTokens | undefined {
  return pending?.recorded === true && !isRefreshTokenAt(spec, pending.source) ? undefined : pending
}

/** True when the credential was last acted on at the place where it is, or was at none, as now. */
function isAtPlace({ credential: before }: CredentialMemory, { spec }: Credential): boolean {
  if (before?.spec.grant !== 'RefreshToken') return before !== undefined && spec.grant !== 'RefreshToken'
  return isRefreshTokenAt(spec, before.spec.refreshToken)
}

/** True unless the access token at hand came by another grant, or to another client of this one. */
function isOfLogin({ credential: before }: CredentialMemory, { spec }: Credential): boolean {
  if (before === undefined || before.spec.grant !== spec.grant) return false
  return spec.grant === 'RefreshToken' || loginDigest(before.spec) === loginDigest(spec)
}

function firstOwnerOf(credential: Credential, { resources, tokenOwners }: Deps): CredentialKey | undefined {
  const first = resources.firstAt(credential)
  if (first === undefined || standsBack(first, tokenOwners.presents(first.uid)) || isDenied(first, resources)) {
    return undefined
  }
  return first.key
}

/**
 * Who is held up and has never used the token holds nobody up: it may not even be allowed to use it. Nor
 * does who was told that another one owns the token: else the two would wait for each other.
 */
export function standsBack({ state }: Credential, hasPresented: boolean): boolean {
  const stalled = conditionOf(state.conditions, 'Stalled')
  if (stalled === undefined) return false
  return stalled.reason === failureRegistry.REFRESH_TOKEN_OWNED.reason || (state.refreshes === 0 && !hasPresented)
}

/** Who may not use the store, or not any more, holds nobody up who may, whatever it did before. */
export function isDenied(first: Credential, resources: Deps['resources']): boolean {
  const { namespace } = first.key
  const provider = resources.provider(first)
  const store = resources.storeOf(refreshTokenSpec(first).refreshToken.store, namespace)
  const labels = resources.namespaceLabels(namespace)
  if (provider.kind !== 'found' || store.kind !== 'found' || labels === undefined) return false
  return storeAccessProblem(store.value, first, provider.value, labels) !== undefined
}

export function targetIdentity({ key, uid, spec }: Credential): TargetIdentity {
  const { name, creationPolicy, deletionPolicy, type } = spec.target
  return present({ credential: key, credentialUid: uid, name, creationPolicy, deletionPolicy, type })
}

/** What is on a target beside its files, and what is to be in it beside the token. `issued`: the mark of that. */
export function publishedMarks(
  observed: Observed,
  issued: string | undefined,
): Pick<Publication, 'labels' | 'annotations' | 'mark' | 'previous'> {
  const { target } = observed.credential.spec
  const { labels, annotations } = target
  const mark = issued === undefined ? undefined : markIn(target, issued)
  return present({ mark, labels, annotations, previous: previousKeyOf(observed) })
}

/** Spread over the interval, so that a restart with ten thousand credentials reads no Secret at once. */
function firstCheckAt({ uid }: Credential, deps: Deps): EpochSeconds {
  return later(deps.clock.now(), seconds(stableFraction(uid, 0) * targetCheckIntervalOf(deps)))
}

/** A look that is farther away than one can be comes from a clock that was set back since. */
function nextCheckAt({ targetCheckAt }: CredentialMemory, credential: Credential, deps: Deps): EpochSeconds {
  const latestAt = later(deps.clock.now(), targetCheckIntervalOf(deps))
  return targetCheckAt > latestAt ? firstCheckAt(credential, deps) : targetCheckAt
}

function isLookDue(observed: Observed, deps: Deps): boolean {
  const { targetLooks, clock } = deps
  const { credential } = observed
  if (credential.deleting || credential.spec.suspend) return false
  const text = keyText(credential.key)
  const now = clock.now()
  return targetLooks.take(text, now) || targetLookDue(observed, now, deps)
}

/**
 * The target is looked at before the first token of this process goes into it, when nothing was ever
 * published under its name, when somebody else's object stood there, and when nothing was published for an interval.
 */
function targetLookDue(observed: Observed, now: EpochSeconds, deps: Deps): boolean {
  const { credential, target, state } = observed
  if (now >= observed.targetCheckAt) return true
  if (target.kind === 'unreadable') return true
  // What was seen under another name says nothing of this one.
  if (target.kind === 'observed') return target.state.kind === 'foreign' || isRenamed(observed)
  if (state.targetDigest !== observed.targetDigest) return true
  // A look at a document does not mean that anything goes into the target.
  if (credential.spec.grant === 'StaticToken') return false
  // Who waits for its turn is looked at again when it has it.
  const isHeld = deps.tokenHosts.isWaiting(keyText(credential.key))
  const due = isHeld ? later(now, targetCheckIntervalOf(deps)) : dueAt(observed, state, now)
  return due === undefined || now >= due
}

function isRenamed({ state: { targetName }, credential }: Observed): boolean {
  return targetName !== undefined && targetName !== credential.spec.target.name
}

async function withTarget(observed: Observed, identity: TargetIdentity, deps: Deps): Promise<Observed> {
  const found = await deps.sink.observe(identity, targetKeys(observed.credential.spec.target))
  const target: TargetObservation = found.ok
    ? { kind: 'observed', state: found.value }
    : { kind: 'unreadable', failure: found.failure }
  const state = found.ok ? withSeenPrevious(observed.state, found.value) : observed.state
  return { ...observed, state, target, targetCheckAt: later(deps.clock.now(), targetCheckIntervalOf(deps)) }
}

/** What the journal has yet to see to the end. An answer that has arrived everywhere is over, even if the journal cannot forget it. */
function unsettled(entry: JournalEntry | undefined, memory: CredentialMemory | undefined): JournalEntry | undefined {
  return entry?.phase === 'answered' && entry.startedAt === memory?.settledAnswerAt ? undefined : entry
}

/** Which manifests, and which human request, an attempt answers to. Once they differ, a failed attempt is made again. */
function inputsOf(
  { key, generation, refreshRequest = '' }: Credential,
  referents: readonly Referent<{ generation: number }>[],
  login: string,
): Pick<Observed, 'inputs' | 'grantInputs'> {
  const versions = referents.map((referent) =>
    referent.kind === 'found' ? String(referent.value.generation) : referent.kind,
  )
  const shared = [keyText(key), ...versions, refreshRequest]
  return {
    inputs: stableHash([...shared, generation].join('|')),
    grantInputs: stableHash([...shared, login].join('|')),
  }
}
