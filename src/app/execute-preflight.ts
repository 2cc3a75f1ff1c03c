import { outputText, rehearsedOutputs } from '../domain/formats.ts'
import { type Credential, type CredentialKey, keyText, refreshTokenSpec } from '../domain/credential.ts'
import type { DocumentClaim, TokenMark } from '../domain/document-claim.ts'
import { failure } from '../domain/failures.ts'
import type { IntentWatch, Observed } from '../domain/observed.ts'
import { type Ownership, ownerId, ownerName } from '../domain/ownership.ts'
import type { PredecessorRecord, Preflight } from '../domain/preflight-finding.ts'
import { continues, withUsedUpBefore } from '../domain/inherited-record.ts'
import { type HeldIntent, intentOn, intentsInTheWay, isClosed, type RefreshRecord } from '../domain/refresh-record.ts'
import { openedTokens, withOpened } from '../domain/opened-tokens.ts'
import { facing, generationOf } from '../domain/record-places.ts'
import { withPreviousFile } from '../domain/previous-token.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { issuanceMark } from '../domain/issuance-mark.ts'
import { Sensitive } from '../domain/sensitive.ts'
import type { Action, Outcome } from '../domain/step.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'
import { readRecord, sealingKeyOf } from './execute-record.ts'
import { claimDocument, proveWritable } from './execute-store.ts'
import { takeBackArmed } from './recover-journal.ts'
import { publishedMarks, standsBack, targetIdentity } from './gather.ts'
import { type Heir, inherit } from './inherit-record.ts'
import { type Neighbour, neighboursAt, ownerAmong } from './neighbours.ts'
import { holderSilentMs, intentOverMs } from './intent-watches.ts'

type Look = Extract<Action, { kind: 'pre-flight' }>
type Looked = Extract<Outcome, { kind: 'pre-flight' }>

/**
 * Looks at everything that a successor needs, and changes nothing. The document is proven to be the one
 * that was read only after the record was: whoever has got a successor writes it into both, and may be
 * gone before the record has it.
 */
export async function preflight(action: Look, observed: Observed, deps: Deps): Promise<Looked> {
  const { stored, storeFailure } = action
  const own = await recordOf(observed, stored, deps)
  const fingerprint = deps.records.fingerprint(stored.refreshToken)
  const { twin, ...known } = await knownOf(own, { observed, stored, fingerprint }, deps)
  const had = own.ok ? own.value : observed.record
  // It is dropped, whatever could not be read.
  if (!known.record.ok && had !== undefined) deps.leftRecords.lastHad(had)
  const { intentWatch, ...holders } = await holdersOf(known, { observed, fingerprint }, deps)
  const [writable, target] = await Promise.all([
    storeFailure === undefined ? proveWritable(stored, observed, deps) : failed(storeFailure),
    rehearse(observed, deps),
  ])
  const ownership = ownershipOf(observed.credential, stored, { twin, deps })
  const without = storeFailure === undefined ? {} : { withoutStore: true as const }
  const { record, before, refusedElsewhere } = known
  const seen = { record, before, refusedElsewhere, ...holders, self: deps.holders.self }
  const found: Preflight = { ...seen, fingerprint, writable, target, ownership, ...without }
  return { kind: 'pre-flight', stored, preflight: found, ...(intentWatch && { intentWatch }) }
}

interface Known {
  readonly record: Result<RefreshRecord>
  readonly before: readonly PredecessorRecord[]
  readonly refusedElsewhere: readonly string[]
  /** Of those before. */
  readonly holdersAreOver: boolean
}

/** All that is known of the refresh token. What is somebody else's is nobody's inheritance. */
async function knownOf(
  read: Result<RefreshRecord>,
  heir: Heir,
  deps: Deps,
): Promise<Known & { readonly twin?: CredentialKey }> {
  const alone = { before: [], refusedElsewhere: [], holdersAreOver: false }
  if (!read.ok) return { ...alone, record: read }
  const neighbours = await neighboursAt(heir.observed.credential, deps)
  if (!neighbours.ok) return { ...alone, record: neighbours }
  const own = withContinued(read.value, neighbours.value, heir.fingerprint)
  // What is known to be used up is replaced, whoever else remembers it.
  const twin = own === read.value ? await twinOf(heir, { own, neighbours: neighbours.value }, deps) : undefined
  if (twin !== undefined) return { ...alone, twin, record: read }
  const whole = await inherit(own, heir, deps)
  if (!whole.ok) return { ...alone, record: whole }
  const others = [...neighbours.value, ...whole.value.before]
  const refusedElsewhere = others.flatMap(({ record: { refused } }) => refused?.fingerprint ?? [])
  return { ...alone, ...whole.value, refusedElsewhere, record: ok(whole.value.record) }
}

/** The record itself, or with what a neighbour used up before this one went on with its login, where the store shows that. */
function withContinued(own: RefreshRecord, neighbours: readonly Neighbour[], fingerprint: string): RefreshRecord {
  const continued = neighbours.find(({ record }) => record.spent.includes(fingerprint) && continues(own, record))
  return continued === undefined
    ? own
    : withUsedUpBefore(own, continued.record, { newest: own.retained, shown: fingerprint })
}

/** Who may be at the token, and whether they are over. */
async function holdersOf(
  { record, holdersAreOver: areThoseBefore }: Known,
  { observed, fingerprint }: Pick<Heir, 'observed' | 'fingerprint'>,
  deps: Deps,
): Promise<Pick<Preflight, 'holdersAreOver' | 'holderIsSilent'> & { readonly intentWatch: IntentWatch | undefined }> {
  const inTheWay = record.ok ? intentsAt(record.value, fingerprint, deps) : []
  const intentWatch = record.ok ? watchOf(inTheWay.at(-1), record.value, { observed, deps }) : undefined
  const holdersAreOver = inTheWay.length === 0 ? areThoseBefore : await areOver(inTheWay, intentWatch, deps)
  return { intentWatch, holdersAreOver, holderIsSilent: watchedMs(intentWatch, deps) >= holderSilentMs }
}

/** Puts this credential's claim into the store document. */
export async function claim(
  action: Extract<Action, { kind: 'claim-document' }>,
  observed: Observed,
  deps: Deps,
): Promise<Outcome> {
  const { key, uid } = observed.credential
  const { installation } = deps
  const mark = ownMark(action.preflight)
  const result = await claimDocument(
    action.stored,
    {
      owner: ownerId(installation.id, uid),
      ownerName: ownerName(installation.id, key),
      sealingKey: sealingKeyOf(observed.claim) ?? deps.newSealingKey(),
      ...(mark && { mark }),
    },
    observed,
    deps,
  )
  return { kind: action.kind, preflight: action.preflight, result }
}

/** Only a token that the operator has written is marked: what a human put there is nobody's earlier token. */
function ownMark({ record, fingerprint }: Preflight): TokenMark | undefined {
  if (!record.ok || record.value.retained?.fingerprint !== fingerprint) return undefined
  return { generation: generationOf(record.value), fingerprint }
}

/**
 * The process's own memory is as good as a read: a stale one fails to be replaced. Intents of others are always read, and
 * so is the record where the document has had a later token: a stale memory would tell a human that this one is lost.
 */
async function recordOf(observed: Observed, stored: StoredRefreshToken, deps: Deps): Promise<Result<RefreshRecord>> {
  const { refreshToken: source } = refreshTokenSpec(observed.credential)
  const known = observed.record && facing(observed.record, source)
  if (known !== undefined && isCurrent(known, { observed, stored }, deps)) {
    const version = deps.leftRecords.versionNow(known)
    return ok(version === known.version ? known : { ...known, version })
  }
  // A document that was put back to before its claim has lost the key, and this process may know it.
  const read = await readRecord(observed.credential, sealingKeyOf(stored.claim) ?? sealingKeyOf(observed.claim), deps)
  if (!read.ok) return read
  deps.leftRecords.noteRead(read.value, known)
  return ok(withOpened(facing(read.value, source), openedTokens(observed)))
}

interface Memory {
  readonly observed: Observed
  readonly stored: StoredRefreshToken
}

function isCurrent(known: RefreshRecord, { observed, stored }: Memory, deps: Deps): boolean {
  if (isHeldByOthers(known, deps) || isClosed(known)) return false
  // The mark of another owner counts that one's tokens.
  const owner = ownerId(deps.installation.id, observed.credential.uid)
  return generationOfOwn(stored, owner) <= generationOf(known)
}

/** Which of the tokens that came one after the other the document has had, as far as this owner has written it; 0 where it has not. */
function generationOfOwn({ claim: state }: StoredRefreshToken, owner: string): number {
  return state?.kind === 'claimed' && state.claim.owner === owner ? (state.claim.mark?.generation ?? 0) : 0
}

function isHeldByOthers({ intent, left = [] }: RefreshRecord, { holders: { self } }: Deps): boolean {
  const held = [intent, ...left].filter((one) => one?.holder !== undefined)
  return held.some((one) => one?.holder?.journalId !== self.journalId)
}

/** The intents of others that stand in the way: of the token of the store, or else of the newest one that the record keeps. */
function intentsAt(record: RefreshRecord, fingerprint: string, { holders: { self } }: Deps): readonly HeldIntent[] {
  const isMeant = intentOn(record, fingerprint) !== undefined
  return intentsInTheWay(record, isMeant ? fingerprint : record.retained?.fingerprint, self.journalId)
}

/** Since when this process has seen somebody else's intent unchanged. */
function watchOf(
  intent: HeldIntent | undefined,
  { epoch }: RefreshRecord,
  { observed: { intentWatch }, deps }: { readonly observed: Observed; readonly deps: Deps },
): IntentWatch | undefined {
  if (intent === undefined) return undefined
  const { journalId } = intent.holder
  const isSame = intentWatch?.epoch === epoch && intentWatch.journalId === journalId
  return isSame ? intentWatch : { epoch, journalId, sinceMs: deps.clock.monotonicMs() }
}

function watchedMs(watch: IntentWatch | undefined, { clock }: Deps): number {
  return watch === undefined ? 0 : clock.monotonicMs() - watch.sinceMs
}

/** No intent is newer than the epoch that was watched, so what was watched of the latest holds for all. */
async function areOver(intents: readonly HeldIntent[], watch: IntentWatch | undefined, deps: Deps): Promise<boolean> {
  if (watch === undefined) return false
  if (watchedMs(watch, deps) < intentOverMs) return false
  for (const { holder } of intents) {
    const gone = await deps.holders.isGone(holder)
    if (!gone.ok) deps.logger.warn({ code: gone.failure.code }, gone.failure.message)
    if (!gone.ok || !gone.value) return false
  }
  return true
}

/** Whether the target would take a publication, as far as that can be found out without one. */
function rehearse(observed: Observed, deps: Deps): Promise<Result<void>> {
  const { credential, targetDigest } = observed
  const rendered = rehearsedOutputs(credential.spec.target.outputs, placeholder(deps), deps.textCodec)
  if (!rendered.ok) {
    const what = `The output ${outputText(rendered.output)} of OAuthCredential ${keyText(credential.key)} cannot be written: ${rendered.problem}.`
    return Promise.resolve(failed(failure('OUTPUT_NOT_REPRESENTABLE', what)))
  }
  const now = deps.clock.now()
  return deps.sink.rehearse({
    identity: targetIdentity(credential),
    files: rehearsedFiles(observed, rendered.files, now),
    ...publishedMarks(observed, issuanceMark(observed, observed.state)),
    digest: targetDigest,
    issuedAt: now,
    expiresAt: now,
  })
}

/** With as much of a previous access token as of this one. */
function rehearsedFiles(
  { credential }: Observed,
  files: ReadonlyMap<string, Sensitive>,
  now: EpochSeconds,
): ReadonlyMap<string, Sensitive> {
  const { previous } = credential.spec.target
  return previous === undefined ? files : withPreviousFile(files, previous.key, { value: noToken(), expiresAt: now })
}

function noToken(): Sensitive {
  return new Sensitive('0'.repeat(1024))
}

/** No token: what stands in a rehearsal is the length of one. */
function placeholder({ clock }: Deps) {
  const now = clock.now()
  return { value: noToken(), tokenType: 'Bearer', issuedAt: now, expiresAt: now, scopes: [] }
}

interface Records {
  readonly own: RefreshRecord
  readonly neighbours: readonly Neighbour[]
}

/** Another credential that has the token, or has had it. What this one has used up itself is replaced, and not presented by anybody. */
async function twinOf(
  { observed: { credential }, fingerprint }: Heir,
  { own, neighbours }: Records,
  deps: Deps,
): Promise<CredentialKey | undefined> {
  if (own.spent.includes(fingerprint)) return undefined
  const known = deps.tokenOwners.ownerOf(fingerprint, credential.uid)
  if (known !== undefined) return known
  const neighbour = await ownerAmong(neighbours, fingerprint, deps)
  if (neighbour === undefined) return undefined
  // Of two that presented it, or have begun to, each would wait for the other one.
  deps.tokenOwners.gaveUp(fingerprint, credential)
  await takeBackArmed(credential, deps)
  return neighbour
}

function ownershipOf(
  credential: Credential,
  { claim: state }: StoredRefreshToken,
  { twin, deps }: { readonly twin: CredentialKey | undefined; readonly deps: Deps },
): Ownership {
  const { installation } = deps
  return {
    isOwn: state?.kind === 'claimed' && state.claim.owner === ownerId(installation.id, credential.uid),
    ownerYields: state?.kind === 'claimed' && yields(state.claim, credential, deps),
    ...(twin && { twin }),
  }
}

/**
 * Of this installation it is known who exists, and who waits for another one; a credential of the same name was this one
 * before it was made anew.
 */
export function yields({ owner, ownerName: name }: DocumentClaim, credential: Credential, deps: Deps): boolean {
  const { installation, resources, seesAllCredentials, tokenOwners } = deps
  const prefix = `${installation.id}/`
  if (!owner.startsWith(prefix)) return false
  const uid = owner.slice(prefix.length)
  const indexed = resources.credentialByUid(uid)
  if (indexed !== undefined) {
    return indexed.type === 'credential' && standsBack(indexed.credential, tokenOwners.presents(uid))
  }
  return seesAllCredentials || name === ownerName(installation.id, credential.key)
}
