/**
 * Credentials whose records this process makes, or has made, until the API server has said that they are there. A record
 * that did not exist may have been removed with its credential, which a watch has not told yet: whoever has the refresh
 * token by now has settled that one, and looks for no other.
 */
export class UnconfirmedRecords {
  readonly #uids = new Set<string>()

  making(uid: string): void {
    this.#uids.add(uid)
  }

  has(uid: string): boolean {
    return this.#uids.has(uid)
  }

  /** Forgets every credential but these: what was deleted while this process did not act has told nobody. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#uids) if (!uids.has(uid)) this.#uids.delete(uid)
  }

  /** The credential is there, or its record is nobody's concern any more. Idempotent. */
  settle(uid: string): void {
    this.#uids.delete(uid)
  }
}
