/**
 * Credentials whose records this process has made, until the API server has said that they are there. A record that did
 * not exist may have been removed with its credential, which a watch has not told yet: whoever has the refresh token by
 * now has settled that one, and looks for no other.
 */
export class UnconfirmedRecords {
  readonly #uids = new Set<string>()

  made(uid: string): void {
    this.#uids.add(uid)
  }

  has(uid: string): boolean {
    return this.#uids.has(uid)
  }

  /** The credential is there, or its record is nobody's concern any more. Idempotent. */
  settle(uid: string): void {
    this.#uids.delete(uid)
  }
}
