import type { AuditDetail, AuditEntry } from './audit-entry.ts'
import { isTargetFailure } from './conclude.ts'
import { type Credential, keyText, type TokenSource } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import type { Observed } from './observed.ts'
import { present } from './present.ts'
import { isRefusal } from './refusals.ts'
import { tokenOrigin } from './token-origin.ts'
import { sameSecret, type Sensitive } from './sensitive.ts'
import type { JournaledAnswer, Outcome, Step } from './step.ts'
import type { TargetChange, TargetRemoval } from './target-state.ts'
import { timeText } from './time-text.ts'
import { endOfTime } from './time.ts'
import type { TokenAnswerReading } from './token-exchange.ts'
import type { AccessToken } from './tokens.ts'

/** Identifies a refresh token without telling it. */
export type Fingerprint = (refreshToken: Sensitive) => string

/** An action that was performed, and what follows from it. */
export interface Performed {
  readonly action: Extract<Step, { kind: 'act' }>['action']
  readonly outcome: Outcome
  readonly next: Step
}

/**
 * The events of a credential's life that the outcome of one action is. Pure, and empty for what changes nothing:
 * a reconcile that did nothing leaves no line. What fails and is tried again is told once, at the end of the reconcile.
 */
export function auditOutcome(
  observed: Observed,
  performed: Performed,
  fingerprint: Fingerprint,
): readonly AuditEntry[] {
  const details = detailsOf(observed, performed, fingerprint)
  if (details.length === 0) return []
  const { state, record } = performed.next.progress
  const tokenGeneration = record?.generation ?? state.refreshTokenGeneration
  return details.map((detail) => auditEntry(observed.credential, { ...state, tokenGeneration }, detail))
}

/** An event with whose it is. */
export function auditEntry(
  { key, uid, generation }: Pick<Credential, 'key' | 'uid' | 'generation'>,
  { refreshes, tokenGeneration }: Pick<CredentialState, 'refreshes'> & Pick<AuditEntry, 'tokenGeneration'>,
  { event, ...details }: AuditDetail,
): AuditEntry {
  return present({ event, credential: keyText(key), uid, generation, refreshes, tokenGeneration, ...details })
}

function detailsOf(
  observed: Observed,
  { action, outcome }: Performed,
  fingerprint: Fingerprint,
): readonly AuditDetail[] {
  switch (outcome.kind) {
    case 'send-refresh-token':
      return ofSend(observed, outcome, fingerprint)
    case 'read-journaled-answer':
      return outcome.result.ok ? ofJournaledAnswer(observed, outcome.result.value, fingerprint) : []
    case 'request-access-token':
      return ofTokenRequest(observed, outcome)
    case 'write-back':
      return auditWriteBack(outcome, fingerprint)
    case 'bring-home':
      return ofBringHome(outcome)
    case 'claim-document':
      return ofClaim(observed, action, outcome)
    default:
      return ofObject(observed, outcome)
  }
}

type Sent = Extract<Outcome, { kind: 'send-refresh-token' }>

function ofSend(observed: Observed, { action, sent }: Sent, fingerprint: Fingerprint): readonly AuditDetail[] {
  if (sent.kind === 'not-sent') return []
  const presented = { fingerprint: fingerprint(action.base.refreshToken), sends: sent.sends, ...serverOf(observed) }
  if (sent.kind === 'unknown') {
    return [{ event: 'RefreshTokenPresented', ...presented, outcome: 'unknown', code: sent.failure.code }]
  }
  const { reading } = sent
  const rotation = rotationBy(reading, action.base.refreshToken, fingerprint)
  return [{ event: 'RefreshTokenPresented', ...presented, ...readingDetails(reading) }, ...rotation]
}

/** The process that presented the token ended before it could say so. */
function ofJournaledAnswer(
  observed: Observed,
  { reading, entry }: JournaledAnswer,
  fingerprint: Fingerprint,
): readonly AuditDetail[] {
  return auditJournaled(entry, reading, fingerprint).map((detail) =>
    detail.event === 'RefreshTokenPresented' ? { ...detail, ...serverOf(observed) } : detail,
  )
}

/** An answer that an earlier process received, told by the one that finds it. */
export function auditJournaled(
  { refreshToken, sends }: Pick<JournaledAnswer['entry'], 'refreshToken' | 'sends'>,
  reading: TokenAnswerReading,
  fingerprint: Fingerprint,
): readonly AuditDetail[] {
  const presented = { fingerprint: fingerprint(refreshToken), sends, ...readingDetails(reading) }
  const rotation = rotationBy(reading, refreshToken, fingerprint)
  const all = [{ event: 'RefreshTokenPresented', ...presented } as const, ...rotation]
  return all.map((detail) => ({ ...detail, recovered: true }))
}

function serverOf({ provider }: Observed): Pick<AuditDetail, 'provider' | 'tokenHost'> {
  return provider.kind === 'found' ? { provider: provider.value.name, tokenHost: tokenOrigin(provider.value) } : {}
}

function readingDetails(reading: TokenAnswerReading): Pick<AuditDetail, 'outcome' | 'code'> {
  return reading.kind === 'issued' ? { outcome: 'issued' } : { outcome: 'refused', code: reading.failure.code }
}

/** A refusal may bring a successor, too; the same token again is none. */
function rotationBy(
  reading: TokenAnswerReading,
  presented: Sensitive,
  fingerprint: Fingerprint,
): readonly AuditDetail[] {
  const successor = reading.kind === 'issued' ? reading.tokens.refreshToken : reading.refreshToken
  if (successor === undefined || sameSecret(successor, presented)) return []
  return [
    { event: 'RefreshTokenRotated', fingerprint: fingerprint(presented), successor: fingerprint(successor) } as const,
  ]
}

/** What was not asked, or may not have been, is nothing that happened. */
function ofTokenRequest(
  observed: Observed,
  { result }: Extract<Outcome, { kind: 'request-access-token' }>,
): readonly AuditDetail[] {
  if (result.ok) return [{ event: 'AccessTokenRequested', ...serverOf(observed), outcome: 'issued' }]
  if (!isRefusal(result.failure)) return []
  const { code } = result.failure
  return [{ event: 'AccessTokenRequested', ...serverOf(observed), outcome: 'refused', code }]
}

/** What a write-back has changed, in whichever place. One that failed is told at the transition, and not at every try. */
export function auditWriteBack(
  { pending, written, committed }: Omit<Extract<Outcome, { kind: 'write-back' }>, 'kind'>,
  fingerprint: Fingerprint,
): readonly AuditDetail[] {
  const { refreshToken } = pending.tokens
  const place = placeOf(pending.source)
  const ours = refreshToken === undefined ? {} : { fingerprint: fingerprint(refreshToken) }
  switch (written.kind) {
    case 'written': {
      const recorded = pending.recorded || committed.ok
      return [{ event: 'RefreshTokenWrittenBack', ...ours, ...place, storeVersion: written.stored.version, recorded }]
    }
    case 'superseded': {
      const theirs = { successor: fingerprint(written.stored.refreshToken), storeVersion: written.stored.version }
      return [{ event: 'RefreshTokenSuperseded', ...ours, ...place, ...theirs, outcome: 'superseded' }]
    }
    case 'overtaken':
      return [{ event: 'RefreshTokenSuperseded', ...ours, ...place, outcome: 'overtaken' }]
    default:
      return isNewlyRecorded({ pending, written, committed })
        ? [{ event: 'RefreshTokenRecorded', ...ours, ...place }]
        : []
  }
}

function ofBringHome({ tokens, result }: Extract<Outcome, { kind: 'bring-home' }>): readonly AuditDetail[] {
  if (!result.ok || result.value.kind !== 'written') return []
  const place = placeOf(tokens.source)
  const { version: storeVersion } = result.value.stored
  const { fingerprint } = tokens
  return [{ event: 'RefreshTokenWrittenBack', fingerprint, ...place, storeVersion, recorded: true }]
}

function isNewlyRecorded({
  pending,
  written,
  committed,
}: Omit<Extract<Outcome, { kind: 'write-back' }>, 'kind'>): boolean {
  const isRecorded = !pending.recorded && committed.ok && pending.tokens.refreshToken !== undefined
  return isRecorded && written.kind !== 'kept'
}

function placeOf({ store, key }: TokenSource): Pick<AuditDetail, 'store' | 'storeKey'> {
  return { store: `${store.kind} ${store.name}`, storeKey: key }
}

function ofClaim(
  { credential }: Observed,
  action: Performed['action'],
  { result }: Extract<Outcome, { kind: 'claim-document' }>,
): readonly AuditDetail[] {
  if (!result.ok || action.kind !== 'claim-document' || credential.spec.grant !== 'RefreshToken') return []
  const { claim: before } = action.stored
  const previousOwner = before?.kind === 'claimed' ? before.claim.ownerName : undefined
  const { version: storeVersion } = result.value
  return [{ event: 'OwnershipTaken', ...placeOf(credential.spec.refreshToken), storeVersion, previousOwner }]
}

/** What was done to the target, and to the token in it. */
function ofObject(observed: Observed, outcome: Outcome): readonly AuditDetail[] {
  const { name: target } = observed.credential.spec.target
  if (outcome.kind === 'revoke') return ofRevocation(outcome)
  if (!('result' in outcome) || outcome.result?.ok !== true) return []
  switch (outcome.kind) {
    case 'publish':
      return [ofPublication(target, outcome.accessToken, outcome.result.value.change)]
    case 'end-previous':
      return [{ event: 'PreviousTokenRemoved', target }]
    case 'remove-former-target':
      return ofRemoval(observed, outcome.name, outcome.result.value)
    case 'clean-up':
      return outcome.result.value.flatMap(({ name, removal }) => ofRemoval(observed, name, removal))
    default:
      return []
  }
}

/** Of what was left to a later publication it is not known when its token ends. */
function ofPublication(target: string, accessToken: AccessToken, change: TargetChange): AuditDetail {
  const ends = change === 'overtaken' ? {} : endOf(accessToken)
  return { event: 'AccessTokenPublished', target, outcome: change, ...ends }
}

/** What stays was not removed, unless an earlier try did it whose answer was lost. */
function ofRemoval({ state }: Observed, target: string, removal: TargetRemoval): readonly AuditDetail[] {
  const isOpen = removal !== 'removed' && isTargetFailure(state.lastFailure?.code)
  if (isOpen) return [{ event: 'TargetRemoved', target, outcome: 'unknown' }]
  return removal === 'kept' ? [] : [{ event: 'TargetRemoved', target, outcome: removal }]
}

/** A token that does not end has no expiry. */
function endOf({ expiresAt }: AccessToken): Pick<AuditDetail, 'expiresAt'> {
  return expiresAt >= endOfTime ? {} : { expiresAt: timeText(expiresAt) }
}

function ofRevocation({ result }: Extract<Outcome, { kind: 'revoke' }>): readonly AuditDetail[] {
  if (result === undefined) return []
  return result.ok
    ? [{ event: 'AccessTokenRevoked' }]
    : [{ event: 'AccessTokenRevocationFailed', code: result.failure.code }]
}
