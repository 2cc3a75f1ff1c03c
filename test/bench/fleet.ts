import { refreshAt } from '../../src/domain/schedule.ts'
import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'

/** How long a token of the benchmark lives: 5 minutes, the shortest that people report. */
export const lifetimeSeconds = 300

/** The schedule refreshes a token when so much of its life is over, by its jitter a little earlier or later. */
const meanIntervalShare = 0.45

export function meanIntervalOf(lifetime: number): number {
  return lifetime * meanIntervalShare
}

/** Lifetimes of the first tokens of the credential that is overdue: so later refreshes of it can be seen soon. */
export const hurriedLifetimes: readonly number[] = [6, 6]

/** How a provider treats refresh tokens, and what the operator is told of it. */
export type ProviderName =
  /** Every answer brings another one; the operator is left to detect it. */
  | 'rotating'
  /** They stay as they are; the operator is left to detect it. */
  | 'constant'
  /** They stay as they are; the operator is told so. */
  | 'never'

export const providerNames: readonly ProviderName[] = ['rotating', 'constant', 'never']

export interface NamedObject {
  readonly name: string
  readonly uid: string
  readonly provider: ProviderName
}

/** One credential, as its status says it was before the controller began. */
export interface FleetMember extends NamedObject {
  /** Of its tokens. */
  readonly lifetimeSeconds: number
  /** When the status says that the last refresh was; a whole second, as statuses have it. */
  readonly refreshedAt: EpochSeconds
  /** When the schedule has the next one. */
  readonly dueAt: EpochSeconds
  /** True for the one that is overdue. */
  readonly overdue: boolean
}

/** Seconds between the overdue credential and all others: room for the start of the controller. */
export const headStartSeconds = 8
/** A prime, so that neighbours in a list are not due one after the other. */
const stride = 7919

/** Names and uids for `count` credentials, for an API server that takes the uids that it is given. */
export function namedObjects(count: number, providers: readonly ProviderName[] = ['rotating']): readonly NamedObject[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `credential-${index}`,
    uid: `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
    provider: providers[index % providers.length] ?? 'rotating',
  }))
}

/**
 * Credentials in the middle of their lives, as in a cluster that has run for a while: one is overdue,
 * the others fall due evenly over one refresh interval.
 */
export function fleet(
  objects: readonly NamedObject[],
  now: number,
  lifetime = lifetimeSeconds,
): readonly FleetMember[] {
  return objects.map((object, index) => {
    const place = ((index + 1) * stride) % objects.length
    const wait = place === 0 ? -1 : headStartSeconds + (place / objects.length) * meanIntervalOf(lifetime)
    return {
      ...object,
      ...timesBefore(object.uid, now + wait, lifetime),
      lifetimeSeconds: lifetime,
      overdue: place === 0,
    }
  })
}

/** Due within the second before `at`. */
function timesBefore(uid: string, at: number, lifetime: number): Pick<FleetMember, 'refreshedAt' | 'dueAt'> {
  const token = { uid, refreshes: refreshesBefore, lifetimeSeconds: lifetime }
  const refreshedAt = epochSeconds(Math.floor(at - dueAfter({ ...token, issuedAt: epochSeconds(0) })))
  return { refreshedAt, dueAt: dueAfter({ ...token, issuedAt: refreshedAt }) }
}

/** What the statuses count before the controller begins. */
export const refreshesBefore = 1

/** When the operator is to refresh a token. */
export function dueAfter(token: {
  readonly uid: string
  readonly refreshes: number
  readonly issuedAt: EpochSeconds
  readonly lifetimeSeconds: number
}): EpochSeconds {
  const { uid, refreshes, issuedAt } = token
  const expiresAt = epochSeconds(issuedAt + token.lifetimeSeconds)
  const policy = { storeOutage: 'Wait' } as const
  return refreshAt({ uid, refreshes, issuedAt, expiresAt, policy, revokesPreviousAccessToken: false })
}
