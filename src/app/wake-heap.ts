/** So many replaced entries are no matter. */
const fewReplaced = 64

/** Keys with a time, earliest first, and among equal times the one that was set first. A key has at most one time; setting it again replaces it. */
export class WakeHeap {
  #heap: Entry[] = []
  readonly #current = new Map<string, Entry>()
  #count = 0

  /** Sets when `key` is to wake. */
  set(key: string, at: number): void {
    this.#count += 1
    const entry: Entry = { key, at, order: this.#count }
    this.#current.set(key, entry)
    this.#heap.push(entry)
    this.#rise(this.#heap.length - 1)
    if (this.#heap.length > 2 * this.#current.size + fewReplaced) this.#dropAllReplaced()
  }

  delete(key: string): void {
    this.#current.delete(key)
  }

  /** The earliest time, or undefined when there is none. */
  earliest(): number | undefined {
    this.#dropReplaced()
    return this.#heap[0]?.at
  }

  /** Takes out the earliest key whose time is not after `now`. */
  take(now: number): string | undefined {
    this.#dropReplaced()
    const first = this.#heap[0]
    if (first === undefined || first.at > now) return undefined
    this.#removeFirst()
    this.#current.delete(first.key)
    return first.key
  }

  /** How many keys have a time. */
  get size(): number {
    return this.#current.size
  }

  keys(): readonly string[] {
    return [...this.#current.keys()]
  }

  at(key: string): number | undefined {
    return this.#current.get(key)?.at
  }

  /** Where nothing is taken for days, as while a server is down, replaced entries would fill the memory. */
  #dropAllReplaced(): void {
    // In their order they are a heap.
    this.#heap = [...this.#current.values()].sort((one, other) => one.at - other.at || one.order - other.order)
  }

  /** Replaced entries stay where they are until they come to the top: removal from the middle would cost more. */
  #dropReplaced(): void {
    for (
      let first = this.#heap[0];
      first !== undefined && this.#current.get(first.key) !== first;
      first = this.#heap[0]
    ) {
      this.#removeFirst()
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink(0)
  }

  #rise(from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#swapIfEarlier(index, parent)) return
      index = parent
    }
  }

  #sink(from: number): void {
    let index = from
    for (;;) {
      const left = 2 * index + 1
      const child = isBefore(this.#heap[left + 1], this.#heap[left]) ? left + 1 : left
      if (child >= this.#heap.length || !this.#swapIfEarlier(child, index)) return
      index = child
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const below = this.#heap[child]
    const above = this.#heap[parent]
    if (below === undefined || above === undefined || !isBefore(below, above)) return false
    this.#heap[parent] = below
    this.#heap[child] = above
    return true
  }
}

interface Entry {
  readonly key: string
  readonly at: number
  /** Counts up with every entry that is set. */
  readonly order: number
}

function isBefore(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return one.at === other.at ? one.order < other.order : one.at < other.at
}
