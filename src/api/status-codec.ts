import type {
  Condition,
  ConditionType,
  CredentialState,
  KnownServer,
  RememberedFailure,
} from '../domain/credential-state.ts'
import { type FailureCode, failureCodes } from '../domain/failures.ts'
import { formerTargetLimit } from '../domain/former-targets.ts'
import { serverLimit } from '../domain/known-server.ts'
import { present } from '../domain/present.ts'
import type { EpochSeconds } from '../domain/time.ts'
import { decodeConsumers, encodeConsumers } from './consumers-status.ts'
import { countAt, flagAt, isObject, objectAt, textAt } from './json.ts'
import { type OAuthCredentialStatus, statusLimits } from './oauth-credential-status.ts'
import { objectName } from './scalars.ts'
import { sharedText } from './shared-text.ts'
import { decodeTime, encodeTime } from './status-time.ts'

/** The part of the port's `StatusReport` that goes into the status. */
export interface ReportedState {
  readonly state: CredentialState
  readonly nextRefreshAt?: EpochSeconds
}

type EncodedCondition = NonNullable<OAuthCredentialStatus['conditions']>[number]
type EncodedFailure = NonNullable<OAuthCredentialStatus['lastFailure']>
type EncodedServer = NonNullable<OAuthCredentialStatus['authorizationServers']>[number]

const conditionTypes: ReadonlySet<string> = new Set<ConditionType>([
  'Ready',
  'Reconciling',
  'Stalled',
  'RefreshTokenPersisted',
  'RefreshTokenExpiring',
  'ConsumersNotified',
  'ConsumersUpdatable',
  'PreviousTokenKept',
])
const conditionStatuses: ReadonlySet<string> = new Set<Condition['status']>(['True', 'False', 'Unknown'])
const knownCodes: ReadonlySet<string> = new Set(failureCodes())

/**
 * What is remembered, as the status subresource has it: RFC 3339 times in UTC and whole seconds,
 * texts no longer than the schema allows. Absent members are left out.
 */
export function encodeStatus({ state, nextRefreshAt }: ReportedState): OAuthCredentialStatus {
  return present({
    observedGeneration: state.observedGeneration,
    grant: state.grant,
    conditions: state.conditions.map(encodeCondition),
    accessTokenExpirationTime: optionalTime(state.accessTokenExpiresAt),
    previousAccessTokenExpirationTime: optionalTime(state.previousExpiresAt),
    refreshTokenExpirationTime: optionalTime(state.refreshTokenExpiresAt),
    refreshTokenExpirationFixed: state.refreshTokenExpiryIsFixed,
    loginFirstUsedTime: optionalTime(state.loginUsedAt),
    loginReplacedTime: optionalTime(state.loginReplacedAt),
    lastRefreshTime: optionalTime(state.lastRefreshAt),
    nextRefreshTime: optionalTime(nextRefreshAt),
    refreshes: state.refreshes,
    consecutiveFailures: state.consecutiveFailures,
    lastFailure: state.lastFailure && encodeFailure(state.lastFailure),
    lastHandledRefreshRequest: optionalText(state.handledRefreshRequest, statusLimits.request),
    lastHandledOwnershipRequest: optionalText(state.handledOwnershipRequest, statusLimits.request),
    refreshTokenRotates: state.rotates,
    authorizationServers: state.servers?.map(encodeServer),
    refreshTokenGeneration: state.refreshTokenGeneration,
    refreshTokenInStore: optionalText(state.seenInStore, statusLimits.version),
    storeVersion: optionalText(state.storeVersion, statusLimits.version),
    targetDigest: optionalText(state.targetDigest, statusLimits.version),
    targetName: state.targetName,
    formerTargets: state.formerTargets === undefined ? undefined : [...state.formerTargets],
    consumers: state.consumers && encodeConsumers(state.consumers),
  })
}

/**
 * What an earlier process left in a status. Anybody who may write the status may have forged it:
 * whatever is not as we would have written it is dropped, and nothing is ever thrown.
 */
export function decodeState(status: unknown): CredentialState {
  const written = objectAt(status)
  return present({
    observedGeneration: countAt(written['observedGeneration']) ?? 0,
    grant: grantAt(written['grant']),
    accessTokenExpiresAt: decodeTime(written['accessTokenExpirationTime']),
    previousExpiresAt: decodeTime(written['previousAccessTokenExpirationTime']),
    lastRefreshAt: decodeTime(written['lastRefreshTime']),
    refreshTokenExpiresAt: decodeTime(written['refreshTokenExpirationTime']),
    refreshTokenExpiryIsFixed: flagAt(written['refreshTokenExpirationFixed']),
    loginUsedAt: decodeTime(written['loginFirstUsedTime']),
    loginReplacedAt: decodeTime(written['loginReplacedTime']),
    refreshes: countAt(written['refreshes']) ?? 0,
    consecutiveFailures: countAt(written['consecutiveFailures']) ?? 0,
    lastFailure: decodeFailure(written['lastFailure']),
    handledRefreshRequest: textAt(written['lastHandledRefreshRequest']),
    handledOwnershipRequest: textAt(written['lastHandledOwnershipRequest']),
    rotates: flagAt(written['refreshTokenRotates']),
    servers: decodeServers(written['authorizationServers']),
    refreshTokenGeneration: countAt(written['refreshTokenGeneration']),
    seenInStore: textAt(written['refreshTokenInStore']),
    storeVersion: textAt(written['storeVersion']),
    targetDigest: textAt(written['targetDigest']),
    targetName: nameAt(written['targetName']),
    formerTargets: namesAt(written['formerTargets']),
    consumers: decodeConsumers(written['consumers']),
    conditions: decodeConditions(written['conditions']),
  })
}

/**
 * The value of an annotation that asks for something once, cut as the status cuts it: were they cut
 * differently, a long value would look unhandled forever and be handled without end. Empty counts as absent.
 */
export function requestOf(annotation: unknown): string | undefined {
  if (typeof annotation !== 'string' || annotation === '') return undefined
  return cut(annotation, statusLimits.request)
}

function encodeCondition(condition: Condition): EncodedCondition {
  return {
    type: condition.type,
    status: condition.status,
    observedGeneration: condition.observedGeneration,
    lastTransitionTime: encodeTime(condition.lastTransitionTime),
    reason: condition.reason,
    message: cut(condition.message, statusLimits.conditionMessage),
  }
}

function decodeConditions(written: unknown): readonly Condition[] {
  if (!Array.isArray(written)) return []
  const byType = new Map<ConditionType, Condition>()
  for (const item of written) {
    const condition = decodeCondition(item)
    if (condition !== undefined && !byType.has(condition.type)) byType.set(condition.type, condition)
  }
  return [...byType.values()]
}

function decodeCondition(written: unknown): Condition | undefined {
  const { type, status, reason, message, observedGeneration, lastTransitionTime } = objectAt(written)
  const since = decodeTime(lastTransitionTime)
  if (!isConditionType(type) || !isConditionStatus(status)) return undefined
  if (typeof reason !== 'string' || since === undefined) return undefined
  return {
    type,
    status,
    reason: sharedText(reason),
    message: sharedText(textAt(message) ?? ''),
    observedGeneration: countAt(observedGeneration) ?? 0,
    lastTransitionTime: since,
  }
}

function encodeFailure({ code, message, at, retryAfterSeconds, refusals, inputs }: RememberedFailure): EncodedFailure {
  return present({
    code,
    message: cut(message, statusLimits.failureMessage),
    time: encodeTime(at),
    retryAfterSeconds: retryAfterSeconds === undefined ? undefined : wholeSeconds(retryAfterSeconds),
    refusals,
    inputs: optionalText(inputs, statusLimits.inputs),
  })
}

function decodeFailure(written: unknown): RememberedFailure | undefined {
  if (!isObject(written)) return undefined
  const { code, message, time, retryAfterSeconds, refusals, inputs } = written
  const at = decodeTime(time)
  if (!isFailureCode(code) || typeof message !== 'string' || at === undefined) return undefined
  return present({
    code,
    message,
    at,
    retryAfterSeconds: countAt(retryAfterSeconds),
    refusals: countAt(refusals),
    inputs: textAt(inputs),
  })
}

function encodeServer({ origin, digest, mark }: KnownServer): EncodedServer {
  const text = (value: string): string => cut(value, statusLimits.version)
  return { origin: text(origin), digest: text(digest), fingerprint: text(mark) }
}

function decodeServers(written: unknown): readonly KnownServer[] | undefined {
  if (!Array.isArray(written)) return undefined
  const servers = written.slice(-serverLimit).flatMap((one) => decodeServer(one) ?? [])
  return servers.length === 0 ? undefined : servers
}

function decodeServer(written: unknown): KnownServer | undefined {
  const { origin, digest, fingerprint: mark } = objectAt(written)
  if (typeof origin !== 'string' || typeof digest !== 'string' || typeof mark !== 'string') return undefined
  // Ten thousand credentials have a few servers.
  return { origin: sharedText(origin), digest: sharedText(digest), mark }
}

function grantAt(value: unknown): CredentialState['grant'] {
  return value === 'ClientCredentials' || value === 'StaticToken' ? value : undefined
}

/** A name that could lead elsewhere, in a path of files or of the API, is none. */
function nameAt(value: unknown): string | undefined {
  return objectName.safeParse(value).data
}

function namesAt(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const names = value.slice(0, formerTargetLimit).flatMap((item) => nameAt(item) ?? [])
  return names.length === 0 ? undefined : names
}

function isConditionType(value: unknown): value is ConditionType {
  return typeof value === 'string' && conditionTypes.has(value)
}

function isConditionStatus(value: unknown): value is Condition['status'] {
  return typeof value === 'string' && conditionStatuses.has(value)
}

function isFailureCode(value: unknown): value is FailureCode {
  return typeof value === 'string' && knownCodes.has(value)
}

function optionalTime(time: EpochSeconds | undefined): string | undefined {
  return time === undefined ? undefined : encodeTime(time)
}

function optionalText(text: string | undefined, maxLength: number): string | undefined {
  return text === undefined ? undefined : cut(text, maxLength)
}

/** Half a surrogate pair does not survive the way to the API server and back. */
function cut(text: string, maxLength: number): string {
  return (text.length > maxLength ? text.slice(0, maxLength) : text).toWellFormed()
}

/** Rounded up: nobody is asked earlier than they said. */
function wholeSeconds(value: number): number {
  return Math.min(Math.max(Math.ceil(value), 0), Number.MAX_SAFE_INTEGER)
}
