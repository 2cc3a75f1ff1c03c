import { type Failure, type FailureCode, failure } from '../../domain/failures.ts'
import { parseHttpDate } from '../../domain/http-date.ts'
import { type EpochSeconds, secondsBetween } from '../../domain/time.ts'
import { vaultErrors } from './schema.ts'
import type { VaultAnswer, VaultExchange } from './vault-connection.ts'

/** What was tried, for messages: `read the document "k" of ClusterTokenStore vault`. */
export interface Attempt {
  readonly text: string
  readonly now: EpochSeconds
}

/** The failure that an exchange is for a request under a login, when its answer is none that the request expects. */
export function classifyExchange(exchange: VaultExchange, attempt: Attempt): Failure {
  if (exchange.kind === 'broken') return classifyBroken(exchange.code, attempt)
  const { answer } = exchange
  if (answer.status !== 403) return classifyAnswer(answer, attempt)
  return saysInvalidToken(answer)
    ? failure('STORE_LOGIN_REJECTED', `Could not ${attempt.text}: Vault does not accept the token (HTTP 403).`)
    : failure('STORE_FORBIDDEN', `Could not ${attempt.text}: the policies of the login forbid it (HTTP 403).`)
}

/** The failure that an exchange is for a login. */
export function classifyLogin(exchange: VaultExchange, attempt: Attempt): Failure {
  if (exchange.kind === 'broken') return classifyBroken(exchange.code, attempt)
  const { answer } = exchange
  if (![400, 401, 403, 404].includes(answer.status)) return classifyAnswer(answer, attempt)
  const reason = answer.status === 404 ? 'nothing is mounted there' : 'Vault refused it'
  return failure('STORE_LOGIN_REJECTED', `Could not ${attempt.text}: ${reason} (HTTP ${answer.status}).`)
}

/** True for the wording that Vault and OpenBao have for tokens that are unknown, revoked or expired. */
export function saysInvalidToken(answer: VaultAnswer): boolean {
  return answer.status === 403 && vaultErrors(answer.body).some((error) => error.includes('invalid token'))
}

export function saysCasMismatch(answer: VaultAnswer): boolean {
  return answer.status === 400 && vaultErrors(answer.body).some((error) => error.includes('check-and-set parameter'))
}

export function saysNoMount(answer: VaultAnswer): boolean {
  return answer.status === 404 && vaultErrors(answer.body).some((error) => error.includes('no handler for route'))
}

function classifyBroken(code: string, attempt: Attempt): Failure {
  if (code === 'PRIVATE_ADDRESS') {
    return failure(
      'ENDPOINT_NOT_ALLOWED',
      `Could not ${attempt.text}: spec.vault.address is a private address, or one of the platform.`,
    )
  }
  return failure('STORE_UNAVAILABLE', `Could not ${attempt.text}: ${brokenText(code)}.`)
}

function brokenText(code: string): string {
  if (code === 'DEADLINE') return 'Vault did not answer in time'
  if (code === 'ANSWER_TOO_LONG') return 'the answer is longer than any of Vault'
  return `the connection to Vault failed (${code})`
}

function classifyAnswer(answer: VaultAnswer, attempt: Attempt): Failure {
  const { status } = answer
  const code: FailureCode = status === 429 ? 'STORE_THROTTLED' : 'STORE_UNAVAILABLE'
  return failure(code, `Could not ${attempt.text}: ${answerText(answer)}.`, retryAfterSeconds(answer, attempt.now))
}

function answerText(answer: VaultAnswer): string {
  const { status } = answer
  const sealed = status === 503 && vaultErrors(answer.body).some((error) => error.includes('sealed'))
  if (sealed) return 'Vault is sealed (HTTP 503)'
  if (status >= 300 && status < 400) {
    return `Vault redirects to another address, which is not followed; spec.vault.address has to be that of the active node (HTTP ${status})`
  }
  return `Vault answered HTTP ${status}${statusText[status] ?? ''}`
}

/** @see Vault HTTP API, "HTTP status codes", and `/sys/health` */
const statusText: Readonly<Record<number, string>> = {
  412: ', its storage is behind that of the active node',
  429: ', too many requests',
  472: ', it is a disaster recovery secondary',
  473: ', it is a performance standby',
}

function retryAfterSeconds({ retryAfter }: VaultAnswer, now: EpochSeconds): number | undefined {
  if (retryAfter === undefined) return undefined
  if (/^\d{1,6}$/.test(retryAfter)) return Number(retryAfter)
  const at = parseHttpDate(retryAfter)
  return at === undefined ? undefined : Math.max(0, Math.ceil(secondsBetween(now, at)))
}
