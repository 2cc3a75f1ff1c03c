import { refreshTokenSpec } from './credential.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed, PendingTokens } from './observed.ts'
import type { Provider } from './provider.ts'
import type { RefreshRecord } from './refresh-record.ts'
import { scheduleOf } from './due.ts'
import { refreshAt } from './schedule.ts'
import { storeText, type TokenStore } from './token-store.ts'
import { epochSeconds, type EpochSeconds, later, seconds } from './time.ts'

/**
 * AWS Secrets Manager keeps about 100 versions of a secret and prunes none that is younger than a day:
 * more writes in a day are refused, and that only after the old refresh token is spent.
 */
const versionsPerDay = 100
const secondsPerDay = 86_400

/** When the store may be written again; undefined when it may be at once. The tokens of one document take turns. */
export function storeWriteDueAt(
  { documentTokens = 1 }: Pick<Observed, 'documentTokens'>,
  { backend }: TokenStore,
  record: RefreshRecord | undefined,
  now: EpochSeconds,
): EpochSeconds | undefined {
  if (backend.type !== 'awsSecretsManager' || record?.storeWrittenAt === undefined) return undefined
  const due = later(record.storeWrittenAt, seconds(backend.minimumWriteIntervalSeconds * documentTokens))
  // A time ahead of the clock tells that the clock went back, and says nothing about the store.
  return now < due && record.storeWrittenAt <= now ? due : undefined
}

/** The same tokens, and no more waiting for their store. */
export function dueNow({ storeWriteDueAt: _later, ...pending }: PendingTokens): PendingTokens {
  return pending
}

/** Why a refresh token must not be spent although its successor could be stored: the store would be full some day soon. */
export function writeBudgetProblem(observed: Observed, provider: Provider, store: TokenStore): Failure | undefined {
  const { backend } = store
  if (backend.type !== 'awsSecretsManager') return undefined
  const refresh = refreshInterval(observed, provider)
  // Each token of the document is written as often, and the versions are the document's.
  const { documentTokens = 1 } = observed
  const interval = Math.max(refresh / documentTokens, backend.minimumWriteIntervalSeconds)
  const writes = Math.ceil(secondsPerDay / interval)
  if (writes <= versionsPerDay) return undefined
  const what =
    `${refreshText(refresh, documentTokens)} and ${storeText(store)} may be written every ${backend.minimumWriteIntervalSeconds} s: ` +
    `${secondsPerDay} / ${Math.round(interval)} = ${writes} writes a day of the document "${refreshTokenSpec(observed.credential).refreshToken.key}", ` +
    `and AWS Secrets Manager takes ${versionsPerDay}, one in ${secondsPerDay / versionsPerDay} s.`
  return failure('STORE_WRITE_BUDGET_EXCEEDED', what)
}

function refreshText(refresh: number, documentTokens: number): string {
  const every = `every ${Math.round(refresh)} s`
  return documentTokens === 1
    ? `The access token is refreshed ${every}`
    : `The ${documentTokens} refresh tokens of the document are each used ${every}`
}

/** Seconds from one refresh to the next, as the last token lived, else as the provider says. */
function refreshInterval({ credential, state }: Observed, provider: Provider): number {
  const { lastRefreshAt, accessTokenExpiresAt } = state
  const known = lastRefreshAt !== undefined && accessTokenExpiresAt !== undefined
  const lifetime = known ? accessTokenExpiresAt - lastRefreshAt : provider.accessTokenLifetimeSeconds
  const issuedAt = epochSeconds(0)
  const due = refreshAt({
    ...scheduleOf(credential, state, provider),
    issuedAt,
    expiresAt: epochSeconds(lifetime),
  })
  return Math.max(1, due - issuedAt, provider.minimumRefreshIntervalSeconds)
}
