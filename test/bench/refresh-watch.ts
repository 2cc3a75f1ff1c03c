import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import { dueAfter, type FleetMember, hurriedLifetimes, refreshesBefore } from './fleet.ts'
import { addCalls, type BenchCounts, noCounts, type RecordedCall } from './protocol.ts'

/** What is known of a credential while the controller refreshes it. */
interface Followed {
  readonly member: FleetMember
  /** In this process, apart from the one under way. */
  refreshes: number
  /** Undefined while it is not known to the millisecond. */
  dueAt: EpochSeconds | undefined
  lifetimeSeconds: number
  /** Seconds from due to published, of the refresh under way. */
  toPublished: number | undefined
  /** Since the last status. */
  calls: RecordedCall[]
}

/** The first refresh of a process looks at more than later ones do, and the second one follows what it found. */
const firstLaterRefresh = 3

/** Puts the calls of the controller together to refreshes. */
export class RefreshWatch {
  readonly #followed = new Map<string, Followed>()
  readonly #nameOf = new Map<string, string>()
  #counts = noCounts()
  #first = Promise.withResolvers<number>()
  #later = Promise.withResolvers<readonly RecordedCall[]>()

  /** Follows these credentials, and forgets everything else. */
  restart(members: readonly FleetMember[]): void {
    this.#followed.clear()
    this.#nameOf.clear()
    this.#counts = noCounts()
    this.#first = Promise.withResolvers()
    this.#later = Promise.withResolvers()
    for (const member of members) {
      const { name, uid, dueAt, overdue, lifetimeSeconds } = member
      this.#nameOf.set(uid, name)
      const due = overdue ? undefined : dueAt
      this.#followed.set(name, {
        member,
        refreshes: 0,
        dueAt: due,
        lifetimeSeconds,
        toPublished: undefined,
        calls: [],
      })
    }
  }

  /** When the first token request came, in milliseconds. */
  firstRequest(): Promise<number> {
    return this.#first.promise
  }

  /** The calls of a later refresh of the overdue credential. */
  laterRefresh(): Promise<readonly RecordedCall[]> {
    return this.#later.promise
  }

  /** The counts since the last time. */
  takeCounts(): BenchCounts {
    const seen = this.#counts
    this.#counts = noCounts()
    return seen
  }

  /** How long the next token of a credential lives. */
  lifetimeOf(name: string): number {
    const { member, refreshes } = this.#credential(name)
    const hurried = member.overdue ? hurriedLifetimes[refreshes] : undefined
    return hurried ?? member.lifetimeSeconds
  }

  connected(): void {
    this.#counts.apiHandshakes += 1
  }

  /** A call has arrived. `credential` is its name or uid. */
  began(call: RecordedCall, credential: string | undefined): void {
    addCalls(this.#counts.calls, { [call.kind]: 1 })
    if (credential === undefined) return
    const followed = this.#credential(credential)
    followed.calls.push(call)
    if (call.kind === 'POST token') this.#requested(followed)
  }

  /** A call was answered. */
  ended(call: RecordedCall, credential: string | undefined): void {
    if (credential === undefined || call.status >= 300) return
    const followed = this.#credential(credential)
    if (call.kind === 'PATCH target') published(followed, call)
    if (call.kind === 'PATCH status') this.#told(followed)
  }

  #requested(followed: Followed): void {
    const now = Date.now()
    const { member, refreshes, dueAt } = followed
    followed.lifetimeSeconds = this.lifetimeOf(member.name)
    if (refreshes === 0 && dueAt !== undefined) this.#counts.lateness.push(now / 1000 - dueAt)
    this.#first.resolve(now)
  }

  #told(followed: Followed): void {
    const { calls, member, toPublished } = followed
    followed.calls = []
    if (!calls.some(({ kind }) => kind === 'POST token')) return
    followed.refreshes += 1
    followed.toPublished = undefined
    if (followed.refreshes === 1) return
    const counts = this.#counts.later[member.provider]
    counts.count += 1
    for (const { kind } of calls) addCalls(counts.calls, { [kind]: 1 })
    if (toPublished !== undefined) counts.toPublished.push(toPublished)
    if (member.overdue && followed.refreshes === firstLaterRefresh) this.#later.resolve(calls)
  }

  #credential(nameOrUid: string): Followed {
    const followed = this.#followed.get(this.#nameOf.get(nameOrUid) ?? nameOrUid)
    if (followed === undefined) throw new Error(`a call came for ${nameOrUid}, which is no credential`)
    return followed
  }
}

function published(followed: Followed, { body }: RecordedCall): void {
  const { member, refreshes, dueAt, lifetimeSeconds } = followed
  if (dueAt !== undefined) followed.toPublished = Date.now() / 1000 - dueAt
  const issuedAt = epochSeconds(expiryIn(body) - lifetimeSeconds)
  const done = refreshesBefore + refreshes + 1
  followed.dueAt = dueAfter({ uid: member.uid, refreshes: done, issuedAt, lifetimeSeconds })
}

/** When the token in a target expires, to the millisecond. */
function expiryIn(body: string): number {
  const { data } = JSON.parse(body) as { readonly data: Readonly<Record<string, string>> }
  const [file = ''] = Object.values(data)
  const content = JSON.parse(Buffer.from(file, 'base64').toString()) as {
    readonly claudeAiOauth: { readonly expiresAt: number }
  }
  return content.claudeAiOauth.expiresAt / 1000
}
