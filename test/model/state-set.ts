import { stateWords } from './encoding.ts'

/** A set of whole encoded states (no hash stands for a state), each with the number of the one it was reached from. */
export class StateSet {
  readonly words: Uint32Array
  readonly #parents: Int32Array
  readonly #slots: Int32Array
  readonly #limit: number
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
    this.words = new Uint32Array(limit * stateWords)
    this.#parents = new Int32Array(limit)
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(limit * 1.5))).fill(-1)
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= this.#limit
  }

  parentOf(state: number): number {
    return this.#parents[state] ?? -1
  }

  /** Number of the state; a new one is added. */
  add(words: Uint32Array, parent: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(words) & mask
    for (;;) {
      const state = this.#slots[slot] ?? -1
      if (state < 0) return this.#insert(words, parent, slot)
      if (this.#holds(state, words)) return state
      slot = (slot + 1) & mask
    }
  }

  #insert(words: Uint32Array, parent: number, slot: number): number {
    const state = this.#size
    this.words.set(words, state * stateWords)
    this.#parents[state] = parent
    this.#slots[slot] = state
    this.#size++
    return state
  }

  #holds(state: number, words: Uint32Array): boolean {
    const offset = state * stateWords
    for (let i = 0; i < stateWords; i++) if (this.words[offset + i] !== words[i]) return false
    return true
  }
}

function hash(words: Uint32Array): number {
  let h = 0x9e3779b9
  for (let i = 0; i < stateWords; i++) {
    h = Math.imul(h ^ (words[i] ?? 0), 0x85ebca6b)
    h ^= h >>> 15
  }
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
