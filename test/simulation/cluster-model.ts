import { conditionOf } from '../../src/domain/conditions.ts'
import type { CredentialState } from '../../src/domain/credential-state.ts'
import type { EpochSeconds } from '../../src/domain/time.ts'
import { type CredentialKey, keyText } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import type {
  AccessTokenSink,
  Publication,
  Publishing,
  TargetIdentity,
  TargetState,
} from '../../src/ports/access-token-sink.ts'
import type { StatusReport, StatusWriter } from '../../src/ports/status-writer.ts'
import { conditionProblem } from './condition-problem.ts'
import { type Process, ProcessClock } from './process.ts'
import type { Scheduler } from './scheduler.ts'
import { secretMark, type AccessTokenFact, type Family, type TokenLedger } from './token-ledger.ts'
import type { Violations } from './violations.ts'
import type { Wire } from './wire.ts'

interface Target {
  readonly uid: string
  readonly digest: string
  readonly accessToken: AccessTokenFact
  /** As the process that published it read its clock. */
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

interface Stall {
  readonly reason: string
  /** Absent where nothing had been published. */
  readonly family: Family | undefined
}

export interface ClusterParts {
  readonly wire: Wire
  readonly ledger: TokenLedger
  readonly violations: Violations
  readonly scheduler: Scheduler
}

/** As many statuses as a lagging watch may still tell. */
const keptStatuses = 5
const longestLagMs = 30_000
const collectionMs = 2000

/** Targets and statuses in the API server, and what must be true of each that is written. */
export class ClusterModel {
  readonly targets = new Map<string, Target>()
  readonly statuses = new Map<string, CredentialState[]>()
  /** Who wrote the status last. */
  readonly writers = new Map<string, Process>()
  /** What statuses said that stalls a credential, when the login of the token in its target had been revoked, or none was there. */
  readonly stalls = new Map<string, Stall[]>()
  readonly #wire: Wire
  readonly #ledger: TokenLedger
  readonly #violations: Violations
  readonly #scheduler: Scheduler
  readonly #writtenMs = new Map<string, number>()
  /** Of those that were made anew. */
  readonly #uids = new Map<string, string>()
  readonly #collected = new Set<string>()
  publications = 0
  clocksWereSet = false
  /** True of a world in which objects are made anew. */
  recreates = false
  /** True of a world in which no target goes with its credential by itself. */
  keepsTargets = false
  /** Hears of each finalizer that is added, or taken off. */
  onFinalizer: (key: CredentialKey, uid: string, isWanted: boolean) => void = () => undefined
  /** Hears of each status that was written. */
  onStatus: (name: string) => void = () => undefined

  constructor({ wire, ledger, violations, scheduler }: ClusterParts) {
    this.#wire = wire
    this.#ledger = ledger
    this.#violations = violations
    this.#scheduler = scheduler
  }

  /** The status, as it was `writes` writes ago; no watch lags for longer than some seconds. */
  status(name: string, writes = 0): CredentialState | undefined {
    const isRecent = this.#scheduler.nowMs - (this.#writtenMs.get(name) ?? 0) < longestLagMs
    if (writes > 0 && !isRecent) return this.status(name)
    const all = this.statuses.get(name) ?? []
    return all.at(-1 - Math.min(writes, all.length - 1))
  }

  /** The object of this name is gone; what is told of it is told to nobody, unless it is of the next one. */
  forget(name: string, nextUid: string): void {
    this.statuses.delete(name)
    this.stalls.delete(name)
    this.writers.delete(name)
    this.#uids.set(name, nextUid)
  }

  /** A target goes with its owner, and so does one that comes later; the garbage collector takes its time. */
  collect(target: string, uid: string): void {
    if (this.keepsTargets) return
    this.#collected.add(uid)
    this.#scheduler.after(collectionMs, () => {
      if (this.targets.get(target)?.uid === uid) this.targets.delete(target)
    })
  }

  sink(process: Process): AccessTokenSink {
    const call = <T>(operation: string, { name }: TargetIdentity, effect: () => Result<T>): Promise<Result<T>> =>
      this.#wire.call(process, {
        service: 'target',
        operation,
        about: name,
        effect,
        unavailable: () => failed(failure('TARGET_UNAVAILABLE', `The target ${name} could not be reached.`)),
      })
    return {
      observe: (identity) => call('observe', identity, () => ok(this.#observe(identity))),
      publish: (publication) =>
        call('publish', publication.identity, () =>
          this.#publish(publication, new ProcessClock(process, this.#scheduler).now()),
        ),
      rehearse: ({ identity }) => call('rehearse', identity, () => this.#rehearse(identity)),
      // No credential of a simulation asks for these.
      held: () => Promise.resolve(ok({})),
      endPrevious: () => Promise.resolve(ok(undefined)),
      remove: (identity) =>
        call('remove', identity, () => {
          const found = this.targets.get(identity.name)
          if (found !== undefined && found.uid !== identity.credentialUid) return ok('kept')
          return ok(this.targets.delete(identity.name) ? 'removed' : 'absent')
        }),
      needsCleanup: () => this.keepsTargets,
    }
  }

  statusWriter(process: Process): StatusWriter {
    const call = (operation: string, uid: string, effect: () => void): Promise<Result<void>> =>
      this.#wire.call<Result<void>>(process, {
        service: 'status',
        operation,
        about: uid,
        effect: () => {
          effect()
          return ok(undefined)
        },
        unavailable: () => failed(failure('KUBERNETES_UNAVAILABLE', 'The status could not be written.')),
      })
    return {
      write: (report) =>
        call('write', report.uid, () => {
          if ((this.#uids.get(keyText(report.key)) ?? report.uid) !== report.uid) return
          this.writers.set(keyText(report.key), process)
          this.#write(report)
        }),
      exists: (credential) => this.#exists(process, credential),
      setFinalizer: ({ key, uid }, isWanted) => call('finalize', uid, () => this.onFinalizer(key, uid, isWanted)),
    }
  }

  /** Worlds in which nothing is made anew go on as they did before anybody asked. */
  #exists(process: Process, { key, uid }: Parameters<StatusWriter['exists']>[0]): Promise<Result<boolean>> {
    if (!this.recreates) return Promise.resolve(ok(true))
    return this.#wire.call<Result<boolean>>(process, {
      service: 'status',
      operation: 'exists',
      about: uid,
      effect: () => ok((this.#uids.get(keyText(key)) ?? uid) === uid),
      unavailable: () => failed(failure('KUBERNETES_UNAVAILABLE', 'The object could not be read.')),
    })
  }

  #observe({ name, credentialUid }: TargetIdentity): TargetState {
    const found = this.targets.get(name)
    if (found === undefined) return { kind: 'absent' }
    if (found.uid !== credentialUid) return { kind: 'foreign', owner: 'another credential' }
    const { digest, issuedAt, expiresAt } = found
    return { kind: 'ours', digest, issuedAt, expiresAt, intact: true }
  }

  #rehearse({ name, credentialUid }: TargetIdentity): Result<void> {
    const there = this.targets.get(name)
    return there === undefined || there.uid === credentialUid ? ok(undefined) : notOurs(name)
  }

  #publish({ identity, files, digest, issuedAt, expiresAt }: Publication, now: EpochSeconds): Result<Publishing> {
    const text = files.get('access_token')?.reveal() ?? ''
    const accessToken = this.#ledger.accessToken(text)
    if (accessToken === undefined) throw new Error(`nobody issued the access token in ${identity.name}`)
    const before = this.targets.get(identity.name)
    if (before !== undefined && before.uid !== identity.credentialUid) {
      return notOurs(identity.name)
    }
    if (before !== undefined && isLater(before.issuedAt, issuedAt, now)) return ok({ change: 'overtaken' })
    this.publications += 1
    this.#violations.note(() => `target ${identity.name} holds ${text}`)
    if (!accessToken.refreshToken.everDurable) {
      this.#violations.add(
        `${text} is published before ${accessToken.refreshToken.text} is in the store or in a record.`,
      )
    }
    if (before !== undefined) this.#judgeReplacement(identity.name, before.accessToken, accessToken)
    this.#keep(identity, { uid: identity.credentialUid, digest, accessToken, issuedAt, expiresAt })
    return ok({ change: 'changed' })
  }

  #keep({ name }: TargetIdentity, target: Target): void {
    this.targets.set(name, target)
    if (this.#collected.has(target.uid)) this.collect(name, target.uid)
  }

  /** Of one login, a later refresh token's access token is never replaced by an earlier one's. */
  #judgeReplacement(name: string, before: AccessTokenFact, after: AccessTokenFact): void {
    if (after.family !== before.family || after.refreshToken.generation >= before.refreshToken.generation) return
    // Times are compared in whole seconds, on clocks that somebody may have set.
    if (this.clocksWereSet || before.expiresAtMs - after.expiresAtMs < 2000) return
    this.#violations.add(`${after.text} is published over the newer ${before.text} in ${name}.`)
  }

  #write({ key, state }: StatusReport): void {
    const name = keyText(key)
    const written = throughStatus(state)
    const history = this.statuses.get(name) ?? []
    const problem = conditionProblem(written)
    this.#violations.note(
      () =>
        `status of ${name}: ${state.conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ')}`,
    )
    if (problem !== undefined) this.#violations.add(`The status of ${name} contradicts itself: ${problem}.`)
    history.push(written)
    if (history.length > keptStatuses) history.shift()
    this.#keepStall(name, written)
    this.statuses.set(name, history)
    this.#writtenMs.set(name, this.#scheduler.nowMs)
    this.onStatus(key.name)
    this.scan('status', [
      state.storeVersion,
      state.lastFailure?.message,
      ...state.conditions.map(({ message }) => message),
    ])
  }

  #keepStall(name: string, state: CredentialState): void {
    const reason = stallReason(state)
    const family = this.targets.get(state.targetName ?? '')?.accessToken.family
    if (reason === undefined || family?.revoked === false) return
    this.stalls.set(name, [...(this.stalls.get(name) ?? []), { reason, family }])
  }

  /** Everything that a person or a machine outside can read comes by here. */
  scan(where: string, texts: readonly (string | number | boolean | undefined)[]): void {
    for (const text of texts) {
      if (typeof text === 'string' && text.includes(secretMark)) this.#violations.add(`A secret is in a ${where}.`)
    }
  }
}

/** Whoever waits to ask again would have been told that its answer was lost. */
function stallReason({ conditions, lastFailure }: CredentialState): string | undefined {
  const isUnknown = lastFailure?.code === 'TOKEN_RESULT_UNKNOWN'
  return conditionOf(conditions, 'Stalled')?.reason ?? (isUnknown ? 'LostResponse' : undefined)
}

/** A later token is not replaced by an earlier one, unless its time is one that cannot be. */
function isLater(found: EpochSeconds, issuedAt: EpochSeconds, now: EpochSeconds): boolean {
  return Math.floor(found) > Math.floor(issuedAt) && found <= now + 60
}

function notOurs(name: string): Result<never> {
  return failed(failure('TARGET_NOT_OWNED', `The target ${name} belongs to another credential.`))
}

/** What survives a status: whole seconds. */
function throughStatus(state: CredentialState): CredentialState {
  const { accessTokenExpiresAt, lastRefreshAt, refreshTokenExpiresAt, lastFailure } = state
  return {
    ...state,
    ...(accessTokenExpiresAt !== undefined && { accessTokenExpiresAt: whole(accessTokenExpiresAt) }),
    ...(lastRefreshAt !== undefined && { lastRefreshAt: whole(lastRefreshAt) }),
    ...(refreshTokenExpiresAt !== undefined && { refreshTokenExpiresAt: whole(refreshTokenExpiresAt) }),
    ...(lastFailure !== undefined && { lastFailure: { ...lastFailure, at: whole(lastFailure.at) } }),
  }
}

function whole<T extends number>(time: T): T {
  return Math.floor(time) as T
}
