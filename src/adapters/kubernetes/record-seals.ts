import { type Failure, failure } from '../../domain/failures.ts'
import type { KeptTokens, RetainedTokens } from '../../domain/refresh-record.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { RecordSubject, RefreshRecord } from '../../ports/refresh-records.ts'
import type { OperatorKey } from './operator-key.ts'
import { damagedRecord } from './record-calls.ts'
import type { RecordContent, SealedPart, SealedTexts } from './record-secret.ts'
import { keyNameOf, keyText, seal, sealedWith, type SealingKey, sealingKey as keyFrom, unseal } from './sealing.ts'

/** More than the refreshes that are under way at one time, and less than would show in the memory of ten thousand credentials. */
const rememberedKeys = 256

/**
 * Seals and opens the tokens of records, with the key of a store document or with the operator's own.
 *
 * Failures: those of the operator's key and of reading a record; REFRESH_RECORD_DAMAGED.
 */
export class RecordSeals {
  readonly #key: OperatorKey
  readonly #namespace: string
  /** A refresh writes twice with the key that it read once, and deriving is half of what sealing costs. */
  readonly #documentKeys = new Map<Sensitive, SealingKey>()

  constructor(key: OperatorKey, namespace: string) {
    this.#key = key
    this.#namespace = namespace
  }

  /** Tokens that the key at hand does not open stay sealed. */
  async opened(
    subject: RecordSubject,
    { clear, sealed, sealedKept, version }: RecordContent,
    sealingKey: Sensitive | undefined,
  ): Promise<Result<RefreshRecord>> {
    const { retained: newest, kept: others = [], ...rest } = clear
    const retained = newest && (await this.#open({ subject, sealingKey }, newest, sealed))
    if (retained?.ok === false) return retained
    const kept: KeptTokens[] = []
    for (const [index, one] of others.entries()) {
      const text = sealedKept[index]
      const opened = await this.#open({ subject, sealingKey }, one, text)
      if (!opened.ok) return opened
      // As it is stored, too: so it is stored again, whatever key is at hand then.
      kept.push({ ...opened.value, ...sealedAs(text) })
    }
    return ok({ ...rest, version, ...(retained && { retained: retained.value }), ...(kept.length > 0 && { kept }) })
  }

  async #open<Clear extends RetainedTokens>(
    { subject, sealingKey }: { readonly subject: RecordSubject; readonly sealingKey: Sensitive | undefined },
    clear: Clear,
    sealed: string | undefined,
  ): Promise<Result<Clear>> {
    if (sealed === undefined) return ok(clear)
    const key = await this.#keyOf(sealed, sealingKey)
    if (!key.ok) return key
    if (key.value === undefined) return ok({ ...clear, sealed })
    const tokens = unseal(sealed, { uid: subject.uid, fingerprint: clear.fingerprint }, key.value)
    if (tokens === undefined)
      return failed(damagedRecord(this.#namespace, subject, 'has sealed tokens that are damaged'))
    return ok({ ...clear, tokens, sealedWith: keyText(key.value) })
  }

  /** The key that a sealed text wants, when it is at hand. */
  async #keyOf(sealed: string, sealingKey: Sensitive | undefined): Promise<Result<SealingKey | undefined>> {
    const wanted = keyNameOf(sealed)
    if (wanted?.owner === 'operator') return this.#key.withId(wanted.id)
    const key = sealingKey && this.#documentKey(sealingKey)
    return ok(key?.id === wanted?.id ? key : undefined)
  }

  /**
   * What goes into the Secret for the tokens. An intent to send also makes sure of the key that the answer will need.
   * `stored`: what is there, which is asked for where tokens were left at their place since they were stored.
   */
  async sealed(
    record: RefreshRecord,
    sealingKey: Sensitive | undefined,
    stored: () => Promise<Result<RecordContent | undefined>>,
  ): Promise<Result<SealedTexts>> {
    const kept = await this.#sealedKept(record, sealingKey, stored)
    if (!kept.ok) return kept
    const retained = await this.#sealedRetained(record, sealingKey)
    return retained.ok ? ok({ retained: retained.value, kept: kept.value }) : retained
  }

  /** As they were sealed at their places, whose keys are not at hand any more. */
  async #sealedKept(
    { uid, kept = [], version }: RefreshRecord,
    sealingKey: Sensitive | undefined,
    stored: () => Promise<Result<RecordContent | undefined>>,
  ): Promise<Result<SealedTexts['kept']>> {
    if (kept.every(({ sealed, tokens }) => sealed !== undefined || tokens === undefined)) {
      return ok(kept.map(({ sealed }) => sealed))
    }
    const read = await stored()
    if (!read.ok) return read
    const content = read.value
    if ((content?.version ?? '') !== version) return failed(changedSince())
    const key = await this.#sealingKey(sealingKey, false)
    if (!key.ok) return key
    return ok(
      kept.map(({ sealed, fingerprint, tokens }) => {
        const known = sealed ?? (content && textOf(fingerprint, content))
        return known ?? (tokens && seal(tokens, { uid, fingerprint }, key.value))
      }),
    )
  }

  async #sealedRetained(
    { uid, version, intent, retained }: RefreshRecord,
    sealingKey: Sensitive | undefined,
  ): Promise<Result<SealedPart>> {
    const arming = intent?.holder !== undefined
    const { tokens } = retained ?? {}
    if (!arming && tokens === undefined) return ok(asStored(retained))
    const key = await this.#sealingKey(sealingKey, arming)
    if (!key.ok) return key
    return ok(retained && sealedPart(retained, { uid, version }, key.value))
  }

  async #sealingKey(sealingKey: Sensitive | undefined, mustBeThere: boolean): Promise<Result<SealingKey>> {
    if (sealingKey === undefined) return mustBeThere ? this.#key.ensure() : this.#key.current()
    const key = this.#documentKey(sealingKey)
    if (key !== undefined) return ok(key)
    const what = 'The claim in the store document has a sealing key that is not 32 bytes in base64.'
    return failed(failure('REFRESH_RECORD_UNAVAILABLE', what))
  }

  #documentKey(sealingKey: Sensitive): SealingKey | undefined {
    const known = this.#documentKeys.get(sealingKey)
    if (known !== undefined) return known
    const key = keyFrom('document', sealingKey)
    if (key !== undefined) this.#documentKeys.set(sealingKey, key)
    const [oldest] = this.#documentKeys.keys()
    if (this.#documentKeys.size > rememberedKeys && oldest !== undefined) this.#documentKeys.delete(oldest)
    return key
  }
}

/** The record as it was written, with what its tokens are sealed with. */
export function writtenWith(
  record: RefreshRecord,
  { retained: part, kept: texts }: SealedTexts,
  version: string,
): RefreshRecord {
  const { retained, kept, ...rest } = record
  const others = kept?.map((one, index) => ({ ...one, ...sealedAs(texts[index]), ...openedWith(one, texts[index]) }))
  const known = { ...rest, version, ...(others && { kept: others }) }
  if (retained === undefined) return known
  if (part?.kind !== 'new') return { ...known, retained }
  return { ...known, retained: { ...retained, ...openedWith(retained, part.text) } }
}

function openedWith({ tokens }: RetainedTokens, text = ''): Pick<RetainedTokens, 'sealedWith'> {
  const key = tokens && sealedWith(text)
  return key === undefined ? {} : { sealedWith: key }
}

function sealedAs(text: string | undefined): Pick<RetainedTokens, 'sealed'> {
  return text === undefined ? {} : { sealed: text }
}

function changedSince(): Failure {
  return failure('REFRESH_RECORD_CONFLICT', 'The refresh record was changed since it was read.')
}

function textOf(fingerprint: string, { clear, sealed, sealedKept: texts }: RecordContent): string | undefined {
  if (clear.retained?.fingerprint === fingerprint) return sealed
  return texts[clear.kept?.findIndex((one) => one.fingerprint === fingerprint) ?? -1]
}

/** An intent changes nothing about the tokens that are there: they are not sealed again under the same key. */
function sealedPart(
  retained: RetainedTokens,
  { uid, version }: Pick<RefreshRecord, 'uid' | 'version'>,
  key: SealingKey,
): SealedPart {
  const { fingerprint, tokens, sealedWith: sealedBefore } = retained
  if (tokens === undefined) return asStored(retained)
  if (version !== '' && sealedBefore === keyText(key)) return { kind: 'kept', sealedWith: sealedBefore }
  return { kind: 'new', text: seal(tokens, { uid, fingerprint }, key) }
}

/** Of tokens that nobody has opened. */
function asStored(retained: RetainedTokens | undefined): SealedPart {
  return retained?.sealed === undefined ? undefined : { kind: 'new', text: retained.sealed }
}
