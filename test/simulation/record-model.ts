import { failure } from '../../src/domain/failures.ts'
import { type KeptTokens, newestIn, type RefreshRecord, type RetainedTokens } from '../../src/domain/refresh-record.ts'
import { sourcesOf } from '../../src/domain/inherited-record.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import type { Sensitive } from '../../src/domain/sensitive.ts'
import type { ListedRecord, RecordSubject, RefreshRecords } from '../../src/ports/refresh-records.ts'
import type { Process } from './process.ts'
import type { LossCause, RefreshTokenFact, TokenLedger } from './token-ledger.ts'
import type { Violations } from './violations.ts'
import type { Wire } from './wire.ts'

interface KeptRecord {
  readonly record: RefreshRecord
  /** What its tokens are, those of the place that it faces last, and the keys that open them. */
  readonly sealed: readonly Sealed[]
}

interface Sealed {
  readonly retained: RetainedTokens
  readonly key: string | undefined
}

/** The newest refresh token that a record keeps, and the key without which nobody can read it. */
export interface Retained {
  readonly token: RefreshTokenFact
  readonly key: string | undefined
}

/** The records in etcd: one a credential, replaced by compare-and-set. */
export class RecordModel {
  readonly #kept = new Map<string, KeptRecord>()
  /** What was sent to make a record. */
  readonly #made = new WeakSet<RefreshRecord>()
  readonly #seals = new Map<string, Sealed>()
  readonly #wire: Wire
  readonly #ledger: TokenLedger
  readonly #violations: Violations
  /** True once a backup has taken the place of intents that somebody may rely on. */
  wentBack = false
  /** Hears of each record that somebody has removed on purpose. */
  onRemoved: (record: RefreshRecord) => void = () => undefined
  /** What the document of a place gives to seal with. */
  keyAt: (place: string) => string | undefined = () => undefined
  #versions = 0

  constructor(wire: Wire, ledger: TokenLedger, violations: Violations) {
    this.#wire = wire
    this.#ledger = ledger
    this.#violations = violations
  }

  /** As it is, with its tokens. */
  current(uid: string): RefreshRecord | undefined {
    return this.#kept.get(uid)?.record
  }

  retained(uid: string): readonly Retained[] {
    return (this.#kept.get(uid)?.sealed ?? []).flatMap(({ retained, key }) => {
      const token = this.#tokenOf(retained)
      return token === undefined ? [] : [{ token, key }]
    })
  }

  snapshot(): ReadonlyMap<string, KeptRecord> {
    return new Map(this.#kept)
  }

  /** etcd is restored from a backup. */
  restore(backup: ReadonlyMap<string, KeptRecord>, cause: LossCause): void {
    this.wentBack = true
    for (const uid of new Set([...this.#kept.keys(), ...backup.keys()])) this.#keep(uid, backup.get(uid), cause)
  }

  port(process: Process): RefreshRecords {
    const call = <T>(
      operation: string,
      { uid }: Pick<RecordSubject, 'uid'>,
      effect: () => Result<T>,
    ): Promise<Result<T>> =>
      this.#wire.call(process, {
        service: 'records',
        operation,
        about: uid,
        effect,
        unavailable: () => failed(failure('REFRESH_RECORD_UNAVAILABLE', `The record of ${uid} could not be reached.`)),
      })
    return {
      read: (subject, key) => call('read', subject, () => ok(this.#opened(subject.uid, key?.reveal()))),
      replace: (record, key) => call('replace', record, () => this.#replace(record, key)),
      list: (see) => call('list', { uid: 'all' }, () => this.#list(see)),
      remove: (record) => call('remove', record, () => this.#remove(record)),
      fingerprint: (refreshToken) => this.fingerprint(refreshToken.reveal()),
    }
  }

  fingerprint(refreshToken: string): string {
    const known = this.#ledger.find(refreshToken)
    if (known !== undefined) return known.fingerprint
    let sum = 7
    for (let index = 0; index < refreshToken.length; index += 1) sum = (sum * 31 + refreshToken.charCodeAt(index)) >>> 0
    return sum.toString(16).padStart(32, 'f')
  }

  #opened(uid: string, key: string | undefined): RefreshRecord | undefined {
    const kept = this.#kept.get(uid)
    if (kept === undefined) return undefined
    const open = <Tokens extends RetainedTokens>(one: Tokens): Tokens => {
      const sealed = this.#seals.get(one.sealed ?? '')
      if (sealed === undefined || sealed.key === undefined || sealed.key === key) return one
      const { tokens: _closed, ...rest } = one
      return rest as Tokens
    }
    const { retained, kept: others } = kept.record
    return {
      ...kept.record,
      ...(retained && { retained: open(retained) }),
      ...(others && { kept: others.map((one) => open(one)) }),
    }
  }

  #replace(record: RefreshRecord, key: Sensitive | undefined): Result<RefreshRecord> {
    const before = this.#kept.get(record.uid)
    if (this.#isMadeAgain(record) || (before?.record.version ?? '') !== record.version) {
      return failed(failure('REFRESH_RECORD_CONFLICT', `The record of ${record.uid} is another one by now.`))
    }
    this.#versions += 1
    const next = this.#stored(record, key?.reveal(), before)
    this.#judge(before, next.record)
    this.#keep(record.uid, next)
    return ok(this.#opened(record.uid, key?.reveal()) ?? next.record)
  }

  #stored(record: RefreshRecord, key: string | undefined, before: KeptRecord | undefined): KeptRecord {
    const kept = record.kept?.map((one) => this.#sealedBefore(one, before) ?? this.#sealed(one, key))
    const retained = record.retained && this.#sealed(record.retained, key)
    const next: RefreshRecord = {
      ...record,
      ...(retained && { retained: retained.retained }),
      ...(kept && { kept: kept.map((one) => one.retained) }),
      version: `r${this.#versions}`,
    }
    return { record: next, sealed: [...(kept ?? []), ...(retained ? [retained] : [])] }
  }

  /** A request that makes an object is not carried out once more after the object was deleted. */
  #isMadeAgain(record: RefreshRecord): boolean {
    if (record.version !== '') return false
    const isAgain = this.#made.has(record)
    this.#made.add(record)
    return isAgain
  }

  #sealed(retained: RetainedTokens, key: string | undefined): Sealed {
    if (retained.tokens === undefined) return this.#asStored(retained)
    const handle = `seal-${this.#seals.size + 1}`
    const sealed = { retained: { ...retained, sealed: handle }, key }
    this.#seals.set(handle, sealed)
    return sealed
  }

  #asStored(retained: RetainedTokens): Sealed {
    const { retained: stored, key } = this.#seals.get(retained.sealed ?? '') ?? { retained, key: undefined }
    return { retained: { ...retained, ...(stored.tokens && { tokens: stored.tokens }) }, key }
  }

  /** What is kept for a place that was left stays as it was sealed there; all that is said of the place is new. */
  #sealedBefore(one: KeptTokens, before: KeptRecord | undefined): Sealed | undefined {
    const there = before?.sealed.find(({ retained: { fingerprint } }) => fingerprint === one.fingerprint)
    const { tokens, sealed } = there?.retained ?? {}
    if (there === undefined || tokens === undefined || sealed === undefined) return undefined
    return { retained: { ...one, tokens, sealed }, key: there.key }
  }

  #list(see: (entry: ListedRecord) => void): Result<void> {
    for (const { record } of this.#kept.values()) {
      const { uid, credential, version } = record
      see({ uid, credential, sources: sourcesOf(record), version })
    }
    return ok(undefined)
  }

  #remove(record: RefreshRecord): Result<void> {
    const there = this.#kept.get(record.uid)
    if (there !== undefined && there.record.version !== record.version) {
      return failed(failure('REFRESH_RECORD_CONFLICT', `The record of ${record.uid} is another one by now.`))
    }
    // Who is let go was looked at: the document had the newest tokens then, as far as a read could tell.
    this.#keep(record.uid, undefined, 'superseded')
    this.onRemoved(record)
    return ok(undefined)
  }

  #judge(before: KeptRecord | undefined, next: RefreshRecord): void {
    if (before !== undefined && next.epoch < before.record.epoch) {
      this.#violations.add(`The record of ${next.uid} went back from epoch ${before.record.epoch} to ${next.epoch}.`)
    }
    const known = newestIn(next).flatMap((one) => this.#tokenOf(one) ?? [])
    for (const { retained } of before?.sealed ?? []) {
      const was = this.#tokenOf(retained)
      const is = known.filter(({ family }) => family === was?.family)
      const isBack = was !== undefined && is.length > 0 && is.every(({ generation }) => generation < was.generation)
      if (isBack) this.#violations.add(`The record of ${next.uid} went back from ${was.text}.`)
    }
  }

  /** `cause`: what takes the tokens away that are there. Without one, only those of a later login at their own place may. */
  #keep(uid: string, next: KeptRecord | undefined, cause?: LossCause): void {
    const before = this.#kept.get(uid)
    if (next === undefined) this.#kept.delete(uid)
    else this.#kept.set(uid, next)
    this.#violations.note(() => `record of ${uid}: ${describe(next?.record)}`)
    const all = (next?.sealed ?? []).flatMap(({ retained }) => this.#tokenOf(retained) ?? [])
    for (const is of all) this.#ledger.gained(is, 'record')
    for (const sealed of before?.sealed ?? []) this.#drop(sealed, all, cause)
  }

  #drop({ retained, key }: Sealed, all: readonly RefreshTokenFact[], cause: LossCause | undefined): void {
    const was = this.#tokenOf(retained)
    const isReplaced = all.some(({ family }) => family.place === was?.family.place)
    const told = cause ?? (isReplaced ? 'superseded' : this.#whyClosed(was, key))
    this.#ledger.dropped(was, 'record', told)
  }

  /** Sealed with the key of a document that has another one by now. */
  #whyClosed(token: RefreshTokenFact | undefined, key: string | undefined): LossCause | undefined {
    if (token === undefined || key === undefined) return undefined
    return this.keyAt(token.family.place) === key ? undefined : 'W5'
  }

  #tokenOf(retained: RetainedTokens | undefined): RefreshTokenFact | undefined {
    const text = retained?.tokens?.refreshToken?.reveal()
    return text === undefined ? undefined : this.#ledger.find(text)
  }
}

function describe(record: RefreshRecord | undefined): string {
  if (record === undefined) return 'none'
  const { epoch, intent, left = [], retained, kept: elsewhere = [], spent } = record
  const held =
    intent === undefined
      ? 'idle'
      : `intent on ${short(intent.fingerprint)} by ${intent.holder?.journalId ?? 'nobody'}, sends ${intent.sends}`
  const kept = retained === undefined ? '' : `, retains ${short(retained.fingerprint)}`
  const others = left.map(({ fingerprint }) => `, left ${short(fingerprint)}`).join('')
  const places = elsewhere.map(({ fingerprint }) => `, keeps ${short(fingerprint)}`).join('')
  return `epoch ${epoch}, ${held}${others}${kept}${places}, spent ${spent.map(short).join(' ')}`
}

function short(fingerprint: string): string {
  return `#${Number.parseInt(fingerprint.slice(-8), 16)}`
}
