import { isRefreshTokenAt, keyText } from './credential.ts'
import { dueAt } from './due.ts'
import { type Failure, failure } from './failures.ts'
import { nearEndAt } from './near-end.ts'
import type { Observed } from './observed.ts'
import type { Provider } from './provider.ts'
import { intentOn, type RecordHolder, type RefreshRecord, type RefusedToken } from './refresh-record.ts'
import { isRefusal } from './refusals.ts'
import { resendAfter } from './resend.ts'
import { holdsToken, isAnswerLost, rememberedFailure } from './settle.ts'
import type { EpochSeconds } from './time.ts'
import type { EarlierSends } from './uncertainty.ts'

// What other processes have done, or are about to do, with the refresh token of a credential.

const underWayLookSeconds = 10

export function underWay(
  { credential }: Pick<Observed, 'credential'>,
  { pod, journalId }: RecordHolder,
  isSilent: boolean,
): Failure {
  const who = pod === undefined ? `the process with the journal ${journalId}` : `Pod ${pod.name}`
  const what = `A refresh of OAuthCredential ${keyText(credential.key)} was begun by ${who}, which may hold the answer.`
  return isSilent ? failure('REFRESH_HOLDER_SILENT', what) : failure('REFRESH_UNDER_WAY', what, underWayLookSeconds)
}

export function refusedElsewhere({ credential }: Pick<Observed, 'credential'>, { code }: RefusedToken): Failure {
  const what = `The authorization server has refused the refresh token of OAuthCredential ${keyText(credential.key)} before.`
  return failure(code, what)
}

/**
 * What became of the newest refresh token meanwhile: whoever brings it into the record late may find that another
 * process has read it in the store and presents it, or has lost the answer, or that it was refused. Its access token may
 * be revoked with it.
 */
export function presentedElsewhere(observed: Observed, record: RefreshRecord): Failure | undefined {
  const { retained, refused } = record
  if (retained !== undefined && refused?.fingerprint === retained.fingerprint)
    return refusedElsewhere(observed, refused)
  const intent = intentOn(record, retained?.fingerprint)
  if (intent === undefined) return undefined
  return intent.holder === undefined ? answerLostElsewhere(observed) : underWay(observed, intent.holder, false)
}

function answerLostElsewhere({ credential }: Pick<Observed, 'credential'>): Failure {
  const what = `A refresh of OAuthCredential ${keyText(credential.key)} was begun by another process, and its answer is lost.`
  return failure('TOKEN_RESULT_UNKNOWN', what)
}

/** True while it is not known how a refresh by another process ends, or has ended: whether one is due or not, that is found out. */
export function isOpenElsewhere({ credential, state, record }: Observed): boolean {
  if (credential.spec.grant !== 'RefreshToken') return false
  const last = state.lastFailure?.code
  if (last === 'REFRESH_UNDER_WAY' || last === 'REFRESH_HOLDER_SILENT') return true
  const newest = record?.retained
  if (record === undefined || newest === undefined || !isRefreshTokenAt(credential.spec, newest.source)) return false
  return intentOn(record, newest.fingerprint)?.holder !== undefined
}

/**
 * The failure of a refresh that was not due, and only found that the answer to another process's is lost: from here
 * on the token is presented again as after a loss of this process.
 */
export function lostElsewhere(
  observed: Observed,
  provider: Provider,
  earlier: EarlierSends | undefined,
  now: EpochSeconds,
): Failure | undefined {
  if (earlier === undefined || !isOpenElsewhere(observed) || !isIdle(observed, now)) return undefined
  if (resendAfter(provider, earlier, now).kind !== 'near-end') return undefined
  return answerLostElsewhere(observed)
}

/** True while nothing needs another access token. */
function isIdle(observed: Observed, now: EpochSeconds): boolean {
  const { credential, state } = observed
  const known = rememberedFailure(state)
  if (known !== undefined && (isRefusal(known) || isAnswerLost(observed, known))) return false
  if (credential.refreshRequest !== undefined && credential.refreshRequest !== state.handledRefreshRequest) return false
  const [due, end] = [dueAt(observed, state, now), nearEndAt(state, now)]
  return due !== undefined && now < due && end !== undefined && now < end && holdsToken(observed)
}
