import type { JournalEntry } from '../../src/domain/journal-entry.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import type { TokenAnswer } from '../../src/domain/token-exchange.ts'
import type { RecordHolders } from '../../src/ports/refresh-records.ts'
import type { RefreshJournal } from '../../src/ports/refresh-journal.ts'
import { Pod } from './pod.ts'
import type { Process } from './process.ts'
import type { Violations } from './violations.ts'
import type { LossCause, RefreshTokenFact, TokenLedger } from './token-ledger.ts'
import type { Wire } from './wire.ts'

type Write = 'armed' | 'sent' | 'answered' | 'settled'

/** Refresh tokens by the answers that carry them whole. */
export type AnswerContents = WeakMap<TokenAnswer, RefreshTokenFact>

export interface PodParts {
  readonly wire: Wire
  readonly ledger: TokenLedger
  readonly violations: Violations
}

/** The disk of each Pod, and what the API server knows of Pods. */
export class PodModel {
  readonly #pods = new Map<string, Pod>()
  readonly #wire: Wire
  readonly #ledger: TokenLedger
  readonly #violations: Violations
  readonly #contents: AnswerContents

  constructor({ wire, ledger, violations }: PodParts, contents: AnswerContents) {
    this.#wire = wire
    this.#ledger = ledger
    this.#violations = violations
    this.#contents = contents
  }

  create(name: string): Pod {
    const pod = new Pod(name, this.#pods.size + 1)
    this.#pods.set(pod.holder.pod?.uid ?? '', pod)
    return pod
  }

  /** The node is gone with all that is on it. */
  destroy(pod: Pod, cause: LossCause): void {
    pod.standing = false
    for (const uid of pod.journal.keys()) this.#put(pod, uid, undefined, cause)
  }

  holders(process: Process): RecordHolders {
    const { holder } = process.pod
    return {
      self: holder,
      isGone: ({ pod }) =>
        this.#wire.call<Result<boolean>>(process, {
          service: 'pods',
          operation: 'look',
          about: holder.journalId,
          effect: () => ok(pod !== undefined && this.#pods.get(pod.uid)?.known !== true),
          unavailable: () => failed(failure('KUBERNETES_UNAVAILABLE', 'The Pod of a holder could not be looked up.')),
        }),
    }
  }

  journal(process: Process): RefreshJournal {
    const { pod } = process
    const write = (phase: Write, uid: string, entry: JournalEntry | undefined): ReturnType<RefreshJournal['settled']> =>
      this.#wire.call<Result<void>>(process, {
        service: 'journal',
        operation: phase,
        about: uid,
        effect: () => {
          this.#put(pod, uid, entry, undefined)
          return ok(undefined)
        },
        unavailable: () => {
          const token = this.#tokenOf(entry)
          if (token !== undefined) process.unjournaled.add(token)
          return failed(failure('JOURNAL_UNAVAILABLE', 'The journal could not be written.'))
        },
      })
    return {
      pending: (uid) => pod.journal.get(uid),
      entries: () => [...pod.journal.values()],
      armed: (entry) => write('armed', entry.uid, entry),
      sent: (entry) => {
        process.fencedAtMs.set(entry.uid, this.#wire.nowMs)
        return write('sent', entry.uid, entry)
      },
      answered: (entry) => write('answered', entry.uid, entry),
      settled: (uid) => write('settled', uid, undefined),
    }
  }

  #put(pod: Pod, uid: string, entry: JournalEntry | undefined, cause: LossCause | undefined): void {
    if (!pod.standing && entry !== undefined) return
    const before = pod.journal.get(uid)
    this.#violations.note(() => `${pod.holder.journalId} of ${uid}: ${entry?.phase ?? 'nothing'}`)
    if (entry === undefined) pod.journal.delete(uid)
    else pod.journal.set(uid, entry)
    this.#ledger.gained(this.#tokenOf(entry), 'journal')
    this.#ledger.dropped(this.#tokenOf(before), 'journal', cause)
  }

  #tokenOf(entry: JournalEntry | undefined): RefreshTokenFact | undefined {
    return entry?.phase === 'answered' ? this.#contents.get(entry.answer) : undefined
  }
}
