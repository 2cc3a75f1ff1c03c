import { failure } from '../../src/domain/failures.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { TokenAnswer, TokenExchange } from '../../src/domain/token-exchange.ts'
import type { TokenEndpoint } from '../../src/ports/token-endpoint.ts'
import type { AnswerContents } from './pods.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { RecordModel } from './record-model.ts'
import type { Scheduler } from './scheduler.ts'
import type { ServerModel, Verdict } from './server-model.ts'
import type { LossCause, RefreshTokenFact, TokenLedger } from './token-ledger.ts'
import type { Violations } from './violations.ts'
import type { Meddler, Phase, Point, Wire } from './wire.ts'

export interface EndpointParts {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly wire: Wire
  readonly ledger: TokenLedger
  readonly violations: Violations
  readonly contents: AnswerContents
  readonly records: RecordModel
  readonly meddle: Meddler
  /** The server behind a provider of the manifests. */
  readonly serverOf: (provider: string) => ServerModel
  /** The credential that a refresh token is presented for: the UID that the journal of the process names with it. */
  readonly onPresented: (text: string) => void
}

interface Exchange {
  readonly process: Process
  readonly server: ServerModel
  readonly text: string
  readonly uid: string
  readonly connectedMs: number
  readonly answered: ((answer: TokenAnswer) => void) | undefined
  readonly done: (exchange: TokenExchange) => void
}

interface Presentation {
  readonly process: Process
  readonly atMs: number
}

/** What the real adapter waits at most for an answer. */
const responseTimeoutMs = 60_000
/** Servers close a connection on which nothing comes. */
const idleCloseMs = 30_000
/** A process that slept this long after its last fence may find that others have taken over. */
const takeoverMs = 40_000
/** A Pod that is deleted, and stands, holds an answer that it cannot commit: others wait so long for it, and no longer. */
const longestWaitMs = 85_000

/** The way of a refresh token to the server and of the answer back, in the phases that the real adapter has. */
export class EndpointModel {
  readonly #parts: EndpointParts
  readonly #presentations = new Map<string, readonly Presentation[]>()
  requests = 0

  constructor(parts: EndpointParts) {
    this.#parts = parts
  }

  port(process: Process): TokenEndpoint {
    return {
      request: (...asked) => this.#request(process, ...asked),
      // Its clients have no Secrets.
      clientSince: () => Promise.resolve(undefined),
      revoke: () => Promise.reject(new Error('no credential of the simulation says that its token is to be revoked')),
      introspect: () => Promise.reject(new Error('no provider of the simulation says that it can be asked')),
    }
  }

  #request(
    process: Process,
    ...[{ provider, grant }, beforeSend, answered]: Parameters<TokenEndpoint['request']>
  ): Promise<TokenExchange> {
    const { scheduler, wire } = this.#parts
    if (grant.type !== 'refresh_token') throw new Error('every credential of the simulation has a refresh token')
    return new Promise((done) => {
      const verdict = this.#at(process, 'connect', 'request', provider.name)
      if (!process.alive) return
      const connect = async (): Promise<void> => {
        if (verdict === 'fail') return done(unreachable())
        const connectedMs = scheduler.nowMs
        const may = await beforeSend()
        if (!may.ok) return done({ kind: 'not-sent', failure: may.failure })
        const text = grant.refreshToken.reveal()
        const server = this.#parts.serverOf(provider.name)
        const exchange = { process, server, text, uid: this.#uidOf(process, text), connectedMs, answered, done }
        scheduler.after(0.05, () => this.#write(exchange), process)
      }
      scheduler.after(wire.delay('server') / 2, () => void connect(), process)
    })
  }

  /** The one write of the request. Nothing ends the exchange afterwards but its answer or its deadline. */
  #write(exchange: Exchange): void {
    const { process, server, text, uid } = exchange
    const { scheduler, wire, violations } = this.#parts
    const { nowMs } = scheduler
    const verdict = this.#at(process, 'write', 'request', uid)
    if (!process.alive) return
    if (process.paused) return void scheduler.after(0, () => this.#write(exchange), process)
    this.requests += 1
    violations.note(() => `${process.name} presents ${text}`)
    const fencedAtMs = process.fencedAtMs.get(uid) ?? 0
    const slept = process.sleptSince(fencedAtMs, takeoverMs)
    if (server.profile.rotates && !slept) this.#judgeIntent(exchange)
    const takeover = this.#takeoverExcuse(exchange, slept)
    const provenAtMs = process.provenAtMs.get(text)
    process.provenAtMs.delete(text)
    this.#presentations.set(text, [...this.#presentedBefore(text), { process, atMs: nowMs }])
    const isClosed = nowMs > exchange.connectedMs + idleCloseMs
    if (isClosed || verdict === 'fail') return this.#lose(exchange, isClosed ? 50 : this.#untilNoticed())
    scheduler.after(wire.delay('server'), () => {
      if (!this.#isLeftOver(exchange, nowMs))
        this.#arrive(exchange, takeover ?? this.#rollbackExcuse(exchange, provenAtMs))
    })
  }

  /** W4, when others may have taken over while this process slept, or this one has from a Pod that it could not wait for. */
  #takeoverExcuse(exchange: Exchange, slept: boolean): LossCause | undefined {
    return slept || this.#isGivenUp(exchange) ? 'W4' : undefined
  }

  /** True when the token was presented in a Pod that was deleted by force and stands all the same, and was waited for long enough. */
  #isGivenUp({ process, text }: Exchange): boolean {
    return this.#presentedBefore(text).some((before) => {
      const { pod } = before.process
      if (before.process === process || !pod.standing || pod.known) return false
      return this.#parts.scheduler.nowMs - before.atMs >= longestWaitMs
    })
  }

  #presentedBefore(text: string): readonly Presentation[] {
    return this.#presentations.get(text) ?? []
  }

  /**
   * True for a request whose process has ended, and whose token was presented anew since: it ends with its connection.
   * That it does is what the model of the protocol assumes too, and what the last send of an unknown leeway risks.
   */
  #isLeftOver({ process, text }: Exchange, writtenMs: number): boolean {
    const token = this.#parts.ledger.find(text)
    return !process.alive && token?.state === 'spent' && token.spentAtMs >= writtenMs
  }

  /**
   * W5, when a rollback has put the successor back into the store, and nowhere else, since the document was proven for
   * this send: a proof is good for one. Who has received the successor could know.
   */
  #rollbackExcuse({ process, text }: Exchange, provenAtMs: number | undefined): LossCause | undefined {
    const newest = this.#parts.ledger.find(text)?.family.newest
    if (newest === undefined || provenAtMs === undefined || process.received.has(newest)) return undefined
    if (newest.copies.record + newest.copies.journal > 0) return undefined
    return newest.broughtBackAtMs > provenAtMs ? 'W5' : undefined
  }

  #arrive(exchange: Exchange, excuse: LossCause | undefined): void {
    const { process, server, text, uid } = exchange
    const { scheduler, wire } = this.#parts
    const before = this.#at(process, 'serve', 'effect', uid)
    if (before === 'fail') return this.#deliver(exchange, answerOf(503, 'text/plain', 'down'), wire.delay('server'))
    this.#parts.onPresented(text)
    const verdict = server.present(text, excuse)
    const after = this.#at(process, 'answer', 'effect', uid)
    this.#expect(process, verdict.issued)
    if (after === 'fail') {
      this.#forget(process, verdict.issued, 'W1')
      return this.#lose(exchange, this.#untilNoticed())
    }
    const delay = after === 'slow' ? this.#parts.random.between(5000, responseTimeoutMs * 0.9) : wire.delay('server')
    const { answer, whole } = this.#asSent(verdict, after)
    if (!whole) this.#forget(process, verdict.issued, 'W1')
    else if (verdict.issued !== undefined) this.#parts.contents.set(answer, verdict.issued)
    this.#deliver(exchange, answer, Math.min(delay, exchange.connectedMs + responseTimeoutMs - scheduler.nowMs))
  }

  #deliver(exchange: Exchange, answer: TokenAnswer, delayMs: number): void {
    const { process, uid, answered, done } = exchange
    const { scheduler, contents } = this.#parts
    scheduler.after(
      delayMs,
      () => {
        this.#at(process, 'answer', 'answer', uid)
        if (!process.alive) return
        if (process.paused) return this.#deliver(exchange, answer, 0)
        this.#receive(process, contents.get(answer))
        answered?.(answer)
        done({ kind: 'answered', answer })
      },
      process,
    )
  }

  #lose({ process, done }: Exchange, delayMs: number): void {
    const lost = failure('TOKEN_RESULT_UNKNOWN', 'The connection to the token endpoint ended without an answer.')
    this.#parts.scheduler.after(delayMs, () => done({ kind: 'lost', failure: lost }), process)
  }

  #untilNoticed(): number {
    return this.#parts.random.chance(0.5) ? responseTimeoutMs : this.#parts.random.between(50, responseTimeoutMs)
  }

  #asSent({ status, body, issued }: Verdict, fate: string): { readonly answer: TokenAnswer; readonly whole: boolean } {
    if (fate === 'ambiguous') return { answer: answerOf(502, 'text/html', '<html>bad gateway</html>'), whole: false }
    if (fate === 'garbled') return { answer: answerOf(200, 'text/html', '<html>sign in</html>'), whole: false }
    const text = JSON.stringify(body)
    if (fate !== 'cut') return { answer: answerOf(status, 'application/json', text), whole: true }
    const part = text.slice(0, this.#parts.random.below(text.length))
    const answer = { ...answerOf(status, 'application/json', part), complete: false }
    return { answer, whole: issued !== undefined && part.includes(`"${issued.text}"`) }
  }

  #expect(process: Process, token: RefreshTokenFact | undefined): void {
    if (token === undefined || process.awaited.has(token)) return
    this.#parts.ledger.gained(token, 'flight')
    if (process.alive) process.awaited.add(token)
    else this.#parts.ledger.dropped(token, 'flight', 'W1')
  }

  #receive(process: Process, token: RefreshTokenFact | undefined): void {
    if (token === undefined || !process.awaited.delete(token)) return
    const known = process.received.has(token)
    if (!known) this.#parts.ledger.gained(token, 'memory')
    process.received.set(token, this.#parts.scheduler.nowMs)
    this.#parts.ledger.dropped(token, 'flight', undefined)
  }

  #forget(process: Process, token: RefreshTokenFact | undefined, cause: LossCause): void {
    if (token !== undefined && process.awaited.delete(token)) this.#parts.ledger.dropped(token, 'flight', cause)
  }

  /** I1: nothing is presented to a server that rotates unless the record says who does. */
  #judgeIntent({ process, text, uid }: Exchange): void {
    const { records, violations } = this.#parts
    const record = records.current(uid)
    const fingerprint = records.fingerprint(text)
    // Somebody may put another token into the store meanwhile, and another process presents that one: ours is left then.
    const standing = [...(record?.left ?? []), record?.intent].filter((one) => one?.fingerprint === fingerprint)
    if (standing.some((one) => one?.holder?.journalId === process.pod.holder.journalId)) return
    // What was left is forgotten in the end, and counts as spent: the server judges.
    if (records.wentBack || record?.spent.includes(fingerprint) === true) return
    violations.add(`${process.name} presents ${text} for ${uid} without an intent of its own in the record.`)
  }

  /** The credential that is at it: an entry of one that is gone may be there for the same token. */
  #uidOf({ pod, fencedAtMs }: Process, text: string): string {
    const entries = [...pod.journal.values()].filter(
      ({ phase, refreshToken }) => phase === 'sent' && refreshToken.reveal() === text,
    )
    const [latest] = entries.toSorted((one, other) => (fencedAtMs.get(other.uid) ?? 0) - (fencedAtMs.get(one.uid) ?? 0))
    if (latest !== undefined) return latest.uid
    this.#parts.violations.add(`${text} is about to be presented, and no journal says so.`)
    return ''
  }

  #at(process: Process, operation: string, phase: Phase, about: string): ReturnType<Meddler> {
    const point: Point = { process, service: 'server', operation, phase, about }
    return this.#parts.meddle(point)
  }
}

function answerOf(status: number, contentType: string, body: string): TokenAnswer {
  return { status, contentType, body: new Sensitive(body), complete: true }
}

function unreachable(): TokenExchange {
  return {
    kind: 'not-sent',
    failure: failure('TOKEN_ENDPOINT_UNREACHABLE', 'The token endpoint could not be connected to.'),
  }
}
