import { intentOn } from '../domain/refresh-record.ts'
import { outputText, renderOutputs } from '../domain/formats.ts'
import type { ClaimState } from '../domain/document-claim.ts'
import { failure } from '../domain/failures.ts'
import { formerTargets } from '../domain/former-targets.ts'
import { type Credential, keyText } from '../domain/credential.ts'
import type { Observed } from '../domain/observed.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import type { Action, Outcome, Progress, Step, RemovedTarget } from '../domain/step.ts'
import type { Publishing, TargetRemoval } from '../domain/target-state.ts'
import type { AccessToken, StoredRefreshToken } from '../domain/tokens.ts'
import { ownerId } from '../domain/ownership.ts'
import { present } from '../domain/present.ts'
import type { Deps } from './deps.ts'
import { revokePublished } from './execute-revocation.ts'
import { claim, preflight, yields } from './execute-preflight.ts'
import { requestAccessToken } from './execute-request.ts'
import { sendRefreshToken } from './execute-send.ts'
import { readAccessToken } from './execute-static.ts'
import { bringHome, lookAtSpec } from './execute-record-look.ts'
import { readJournaledAnswer } from './execute-journaled-answer.ts'
import { readRefreshToken } from './execute-store.ts'
import { writeBack } from './execute-write-back.ts'
import { publishedMarks, targetIdentity } from './gather.ts'
import { withToldExpiry } from './introspect.ts'
import { lookMark } from './look-mark.ts'

type Act = Extract<Step, { kind: 'act' }>

/** Performs one action. Never throws for an expected failure. */
export async function execute({ action, progress }: Act, observed: Observed, deps: Deps): Promise<Outcome> {
  switch (action.kind) {
    case 'pre-flight':
      return preflight(action, upToDate(observed, progress), deps)
    case 'claim-document':
      return claim(action, observed, deps)
    case 'send-refresh-token':
      return sendRefreshToken(action, observed, deps)
    case 'request-access-token':
      return { kind: action.kind, result: await requestAccessToken(observed, deps) }
    case 'publish':
      return publishToken(action.accessToken, observed, deps)
    default:
      return isAtStore(action)
        ? executeAtStore(action, upToDate(observed, progress), deps)
        : executeOnObject(action, observed, deps)
  }
}

type ObjectAction = Extract<
  Action,
  { kind: 'add-finalizer' | 'remove-finalizer' | 'clean-up' | 'remove-former-target' | 'revoke' | 'end-previous' }
>

/** What is done beside a refresh: to an object of the cluster, and to a token that was published. */
async function executeOnObject(action: ObjectAction, observed: Observed, deps: Deps): Promise<Outcome> {
  switch (action.kind) {
    case 'add-finalizer':
    case 'remove-finalizer':
      return { kind: action.kind, result: await setFinalizer(action.kind, observed, deps) }
    case 'clean-up':
      return { kind: action.kind, result: await removeAll(observed, deps) }
    case 'remove-former-target':
      return { kind: action.kind, name: action.name, result: await removeTarget(action.name, observed, deps) }
    case 'revoke':
      return { kind: action.kind, ...(await revokePublished(observed, deps)) }
    case 'end-previous':
      return { kind: action.kind, result: await endPrevious(observed, deps) }
  }
}

async function setFinalizer(
  kind: 'add-finalizer' | 'remove-finalizer',
  { credential }: Observed,
  { status, logger }: Deps,
): Promise<Result<void>> {
  const result = await status.setFinalizer(credential, kind === 'add-finalizer')
  if (!result.ok && kind === 'remove-finalizer') {
    const { code, message } = result.failure
    logger.warn({ credential: keyText(credential.key), uid: credential.uid, code }, message)
  }
  return result
}

/** The target, and those of earlier names that were not removed yet. */
async function removeAll(observed: Observed, deps: Deps): Promise<Result<readonly RemovedTarget[]>> {
  const { spec } = observed.credential
  const all: RemovedTarget[] = []
  for (const name of [spec.target.name, ...formerTargets(observed.state, spec.target)]) {
    const removed = await removeTarget(name, observed, deps)
    if (!removed.ok) return removed
    all.push({ name, removal: removed.value })
  }
  return ok(all)
}

function removeTarget(name: string, { credential }: Observed, deps: Deps): Promise<Result<TargetRemoval>> {
  return deps.sink.remove({ ...targetIdentity(credential), name })
}

type StoreAction = Extract<
  Action,
  {
    kind:
      'read-refresh-token' | 'read-access-token' | 'read-record' | 'read-journaled-answer' | 'write-back' | 'bring-home'
  }
>

function isAtStore(action: StoreAction | ObjectAction): action is StoreAction {
  return action.kind === 'write-back' || action.kind === 'bring-home' || action.kind.startsWith('read-')
}

async function executeAtStore(action: StoreAction, observed: Observed, deps: Deps): Promise<Outcome> {
  switch (action.kind) {
    case 'read-refresh-token':
      return readPresentable(observed, deps)
    case 'read-access-token':
      return { kind: action.kind, result: await readAccessToken(observed, deps) }
    case 'read-record':
      return { kind: action.kind, result: await lookAtSpec(observed, deps) }
    case 'bring-home':
      return { kind: action.kind, tokens: action.tokens, result: await bringHome(action.tokens, observed, deps) }
    case 'read-journaled-answer':
      return { kind: action.kind, result: await readJournaledAnswer(observed, deps) }
    case 'write-back':
      return { kind: action.kind, pending: action.pending, ...(await writeBack(action.pending, observed, deps)) }
  }
}

async function readPresentable(observed: Observed, deps: Deps): Promise<Outcome> {
  const result = await readRefreshToken(observed, deps)
  return { kind: 'read-refresh-token', result, isOpen: result.ok && isOpen(result.value, observed, deps) }
}

/** True unless a look has found nobody else at this token, and nothing has told of anybody since. */
function isOpen({ refreshToken, claim }: StoredRefreshToken, observed: Observed, deps: Deps): boolean {
  const { credential, record, foundAlone } = observed
  if (record === undefined || foundAlone === undefined) return true
  // What it has given up meanwhile, another one may have taken.
  if (!deps.tokenOwners.presents(credential.uid) || isClaimedByOther(claim, credential, deps)) return true
  const fingerprint = deps.records.fingerprint(refreshToken)
  // Told of in the record: the next leader is not to find there what is over.
  const isToldOf = intentOn(record, fingerprint) !== undefined || record.refused?.fingerprint === fingerprint
  return isToldOf || foundAlone !== lookMark(fingerprint, credential, deps)
}

function isClaimedByOther(claim: ClaimState | undefined, credential: Credential, deps: Deps): boolean {
  if (claim?.kind !== 'claimed' || claim.claim.owner === ownerId(deps.installation.id, credential.uid)) return false
  return !yields(claim.claim, credential, deps)
}

/** What was observed, with the record as the reconcile has left it so far. */
function upToDate(observed: Observed, { record, opened, claim: found = observed.claim }: Progress): Observed {
  // Nearly always: what comes first changes none.
  if (record === observed.record && found === observed.claim) return observed
  const { record: _before, opened: _earlier, ...rest } = observed
  return { ...rest, ...present({ record, opened, claim: found }) }
}

async function publishToken(issued: AccessToken, observed: Observed, deps: Deps): Promise<Outcome> {
  const accessToken = await withToldExpiry(issued, observed, deps)
  return { kind: 'publish', accessToken, result: await publish(accessToken, observed, deps) }
}

async function publish(accessToken: AccessToken, observed: Observed, deps: Deps): Promise<Result<Publishing>> {
  const { credential } = observed
  const rendered = renderOutputs(credential.spec.target.outputs, accessToken, deps.textCodec)
  if (!rendered.ok) {
    const what = `The output ${outputText(rendered.output)} of OAuthCredential ${keyText(credential.key)} cannot be written: ${rendered.problem}.`
    return failed(failure('OUTPUT_NOT_REPRESENTABLE', what))
  }
  const result = await deps.sink.publish({
    identity: targetIdentity(credential),
    files: rendered.files,
    ...publishedMarks(observed, accessToken.mark),
    digest: observed.targetDigest,
    issuedAt: accessToken.issuedAt,
    expiresAt: accessToken.expiresAt,
  })
  const isWritten = !result.ok || result.value.change === 'changed'
  deps.metrics.targetWritten(isWritten ? writeOperation(result) : 'unchanged')
  return result
}

/** A target without the key that is to be emptied, because another one is wanted by now, gets it by a publication. */
async function endPrevious({ credential }: Observed, deps: Deps): Promise<Result<void>> {
  const { previous } = credential.spec.target
  if (previous === undefined) return ok(undefined)
  const result = await deps.sink.endPrevious(targetIdentity(credential), previous.key)
  deps.metrics.targetWritten(writeOperation(result))
  if (!result.ok) {
    const { code, message } = result.failure
    deps.logger.warn({ credential: keyText(credential.key), uid: credential.uid, code }, message)
  }
  return result
}

function writeOperation(result: Result<unknown>): 'apply' | 'conflict' | 'error' {
  if (result.ok) return 'apply'
  return result.failure.code === 'TARGET_NOT_OWNED' ? 'conflict' : 'error'
}
