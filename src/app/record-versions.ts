import type { RefreshRecord } from '../domain/refresh-record.ts'

type Versioned = Pick<RefreshRecord, 'uid' | 'version'>

/** What lists have shown by now. */
interface Listed {
  /** The credential was known when the last list began that has ended. */
  readonly isCovered: boolean
  /** A list is under way. */
  readonly isListing: boolean
}

/**
 * Which versions of the records this process knows to be as it left them, or as they were listed: whoever has written
 * another one may be at the place of its credential, and did so after the list.
 */
export class RecordVersions {
  readonly #last = new Map<string, string>()
  /** What this process has made of versions by replacing records by themselves. */
  readonly #rewritten = new Map<string, { readonly from: ReadonlySet<string>; readonly to: string }>()
  /** Records that were read while a list was under way, which has not shown them like that yet. */
  readonly #unlisted = new Map<string, string>()

  clear(): void {
    this.#last.clear()
    this.#rewritten.clear()
    this.#unlisted.clear()
  }

  forget(uid: string): void {
    this.#last.delete(uid)
    this.#rewritten.delete(uid)
    this.#unlisted.delete(uid)
  }

  /** True of a record that was read, and that nobody else has written since this process had it last, or since a list. */
  isAsLastHad({ uid, version }: Versioned, { isCovered, isListing }: Listed): boolean {
    const last = this.#last.get(uid)
    this.#last.set(uid, version)
    if (last !== undefined) return last === version
    // One that a list would have shown, had it been there, was made by somebody else since.
    if (isCovered) return version === ''
    if (isListing && version !== '') this.#unlisted.set(uid, version)
    return true
  }

  /** This process knows the record no more; this is how it had it last. */
  lastHad({ uid, version }: Versioned): void {
    this.#last.set(uid, this.now({ uid, version }))
  }

  /** This process has replaced the record by itself. */
  rewrote(uid: string, from: string, to: string): void {
    const before = this.#rewritten.get(uid)
    this.#rewritten.set(uid, { from: new Set([...(before?.to === from ? before.from : []), from]), to })
    if (this.#last.get(uid) === from) this.#last.set(uid, to)
  }

  /** The version of a record that is known to this process, unless somebody else has written it. */
  now({ uid, version }: Versioned): string {
    const rewritten = this.#rewritten.get(uid)
    return rewritten?.from.has(version) === true ? rewritten.to : version
  }

  /** A list shows the record like this. */
  listed({ uid, version }: Versioned): void {
    if (this.#unlisted.get(uid) === version) this.#unlisted.delete(uid)
    if (!this.#last.has(uid)) this.#last.set(uid, version)
  }

  /** A list has ended. Returns those whose records it has not shown as they were read meanwhile. */
  endList(): readonly string[] {
    const unlisted = [...this.#unlisted.keys()]
    this.#unlisted.clear()
    return unlisted
  }
}
