import type { KubeError, KubeOutcome, KubeRequest } from './kube-client.ts'

/** An HTTP answer, read to its end. */
export interface RawAnswer {
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  readonly text: string
}

/** Why no complete answer came; see {@link KubeError} for what `sent` decides. */
export interface NoAnswer {
  readonly reason: string
  readonly sent: boolean
}

const maxMessageLength = 1024

/**
 * What an answer of the API server means for the caller.
 *
 * 4xx and an announced 503 say that nothing was done. Every other 5xx may come after etcd has taken
 * the write, so a write that ends in one is ambiguous.
 *
 * @see https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.35/#status-v1-meta
 */
export function classifyAnswer(request: KubeRequest, answer: RawAnswer): KubeOutcome {
  const body = parseJson(answer.text)
  if (answer.status >= 200 && answer.status < 300) {
    if (body !== undefined) return { ok: true, status: answer.status, body }
    return refused({
      status: answer.status,
      reason: 'InvalidAnswer',
      message: `${named(request)} was answered with something that is not JSON.`,
      ambiguous: isWrite(request),
    })
  }
  return refused(statusError(request, answer, body))
}

/** What it means that no complete answer came. */
export function classifyNoAnswer(request: KubeRequest, { reason, sent }: NoAnswer): KubeError {
  const message = `${named(request)} got no answer: ${reason}.`
  return { status: undefined, reason, message, ambiguous: sent && isWrite(request) }
}

/** True when other credentials or trust anchors may help, and nothing was carried out. */
export function credentialsRejected(error: KubeError): boolean {
  if (error.status !== undefined) return error.status === 401
  return !error.ambiguous && /^ERR_(TLS|SSL)_|CERT|^UNABLE_TO_/.test(error.reason)
}

/** Milliseconds to wait before the call may be repeated as it is; undefined when it may not. */
export function announcedWaitMs(error: KubeError): number | undefined {
  if (error.status !== 429 && error.status !== 503) return undefined
  return error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1000
}

/** `Retry-After` in whole seconds, the only form that kube-apiserver sends. */
export function retryAfterSeconds(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : undefined
}

function statusError(request: KubeRequest, { status, ...answer }: RawAnswer, body: unknown): KubeError {
  const said = isStatus(body) ? body : {}
  const retryAfter = answer.retryAfterSeconds ?? numberOf(said.details?.retryAfterSeconds)
  const message = textOr(said.message, `${named(request)} was refused with HTTP status ${status}.`)
  const error = {
    status,
    reason: textOr(said.reason, `HTTP${status}`),
    message: message.slice(0, maxMessageLength),
    ambiguous: isWrite(request) && mayBeDone(status, retryAfter),
  }
  return retryAfter === undefined ? error : { ...error, retryAfterSeconds: retryAfter }
}

/** A 503 that says when to come back is load shedding: it comes before the request is looked at. */
function mayBeDone(status: number, retryAfter: number | undefined): boolean {
  return status >= 500 && !(status === 503 && retryAfter !== undefined)
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

interface StatusObject {
  readonly reason?: unknown
  readonly message?: unknown
  readonly details?: { readonly retryAfterSeconds?: unknown } | null
}

function isStatus(body: unknown): body is StatusObject {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isWrite(request: KubeRequest): boolean {
  return request.method !== 'GET'
}

function named(request: KubeRequest): string {
  return `${request.method} ${request.path}`
}

function refused(error: KubeError): KubeOutcome {
  return { ok: false, error }
}
