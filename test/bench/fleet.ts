import { refreshAt } from '../../src/domain/schedule.ts'
import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'

/** How long a token of the benchmark lives: 5 minutes, the shortest that people report. */
export const lifetimeSeconds = 300

/** The schedule refreshes such a token after 120 to 150 seconds, by its jitter. */
export const meanIntervalSeconds = 135

/** One credential, as its status says it was before the controller began. */
export interface FleetMember {
  readonly name: string
  readonly uid: string
  /** When the status says that the last refresh was; a whole second, as statuses have it. */
  readonly refreshedAt: EpochSeconds
  /** When the schedule has the next one. */
  readonly dueAt: EpochSeconds
}

export interface NamedObject {
  readonly name: string
  readonly uid: string
}

/** Seconds between the overdue credential and all others: room for the start of the controller. */
const headStartSeconds = 8
/** Coprime to every size that is a power of ten, so that neighbours in a list are not due one after the other. */
const stride = 7919

/** Names and uids for `count` credentials, for an API server that takes the uids that it is given. */
export function namedObjects(count: number): readonly NamedObject[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `credential-${index}`,
    uid: `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
  }))
}

/**
 * Credentials in the middle of their lives, as in a cluster that has run for a while: one is overdue,
 * the others fall due evenly over one refresh interval.
 */
export function fleet(objects: readonly NamedObject[], now: number): readonly FleetMember[] {
  const places = objects.map((_, index) => ((index + 1) * stride) % objects.length)
  return objects.map((object, index) => {
    const place = places[index] ?? 0
    const wait = place === 0 ? -1 : headStartSeconds + (place / objects.length) * meanIntervalSeconds
    return memberDue(object, now + wait)
  })
}

/** A member that is due within the second before `at`. */
function memberDue({ name, uid }: NamedObject, at: number): FleetMember {
  const refreshedAt = epochSeconds(Math.floor(at - dueAfter(uid, epochSeconds(0))))
  return { name, uid, refreshedAt, dueAt: dueAfter(uid, refreshedAt) }
}

function dueAfter(uid: string, issuedAt: EpochSeconds): EpochSeconds {
  const expiresAt = epochSeconds(issuedAt + lifetimeSeconds)
  return refreshAt({
    uid,
    refreshes: 1,
    issuedAt,
    expiresAt,
    policy: { storeOutage: 'Wait' },
    revokesPreviousAccessToken: false,
  })
}
