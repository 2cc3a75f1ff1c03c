/** Texts under other texts: which of them belong to one. */
export class SetsByKey {
  readonly #sets = new Map<string, Set<string>>()

  of(key: string): Iterable<string> {
    return this.#sets.get(key) ?? []
  }

  add(key: string, value: string): void {
    this.#sets.set(key, (this.#sets.get(key) ?? new Set()).add(value))
  }

  remove(key: string, value: string): void {
    const values = this.#sets.get(key)
    values?.delete(value)
    if (values?.size === 0) this.#sets.delete(key)
  }

  clear(): void {
    this.#sets.clear()
  }
}
