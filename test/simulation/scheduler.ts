/** Whom something happens to. What happens to a process that has ended does not happen; to one that is paused, later. */
export interface Subject {
  readonly alive: boolean
  readonly paused: boolean
  defer(happening: Happening): void
}

/** Something that happens at a time. */
export interface Happening {
  atMs: number
  order: number
  readonly subject: Subject | undefined
  /** Undefined once it is called off. */
  fire: (() => void) | undefined
}

/** Thrown when so much happens in one moment that time does not get on any more. */
export class StuckError extends Error {
  override readonly name = 'StuckError'
}

/** No world has reason to do more within a millisecond. */
const mostStepsPerMs = 20_000

const settled = Promise.resolve()

/**
 * Time, and everything that is going to happen. One thing happens after the other; between two, all
 * that waits only for other work of its process runs to its next wait. There are no timers and no
 * I/O, so hours pass in milliseconds, and the same schedule is played the same way every time.
 */
export class Scheduler {
  nowMs = 0
  steps = 0
  #stepsInMs = 0
  #order = 0
  readonly #heap: Happening[] = []

  /** With a subject, what it does afterwards runs before the next thing happens. */
  after(delayMs: number, fire: () => void, subject?: Subject): Happening {
    this.#order += 1
    const happening: Happening = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, subject, fire }
    this.#push(happening)
    return happening
  }

  /** Brings back what a pause held up. */
  again(happening: Happening): void {
    this.#order += 1
    this.#push(Object.assign(happening, { atMs: this.nowMs, order: this.#order }))
  }

  /** Plays until `untilMs`. Rejects with what a happening throws. */
  async run(untilMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        try {
          if (this.#playUntilOneSettles(untilMs)) next()
          else resolve()
        } catch (problem) {
          reject(problem instanceof Error ? problem : new Error(String(problem)))
        }
      }
      // A tick that is asked for by a microtask comes after all microtasks, however many follow each other.
      const next = (): void => void settled.then(() => process.nextTick(turn))
      next()
    })
    this.nowMs = Math.max(this.nowMs, untilMs)
  }

  #playUntilOneSettles(untilMs: number): boolean {
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= untilMs; first = this.#heap[0]) {
      this.#pop()
      const { subject, fire } = first
      if (fire === undefined || subject?.alive === false) continue
      if (subject?.paused === true) {
        subject.defer(first)
        continue
      }
      this.#advance(first.atMs)
      fire()
      if (subject !== undefined) return true
    }
    return false
  }

  #advance(toMs: number): void {
    this.#stepsInMs = Math.floor(toMs) === Math.floor(this.nowMs) ? this.#stepsInMs + 1 : 0
    this.nowMs = toMs
    this.steps += 1
    if (this.#stepsInMs > mostStepsPerMs) throw new StuckError('Everything is done again and again in one moment.')
  }

  #push(happening: Happening): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(happening)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(happening, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = happening
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      const child = this.#earlierChild(index)
      const below = child === undefined ? undefined : heap[child]
      if (child === undefined || below === undefined || !isBefore(below, last)) break
      heap[index] = below
      index = child
    }
    heap[index] = last
  }

  #earlierChild(index: number): number | undefined {
    const left = 2 * index + 1
    const one = this.#heap[left]
    const other = this.#heap[left + 1]
    if (one === undefined) return undefined
    return other !== undefined && isBefore(other, one) ? left + 1 : left
  }
}

function isBefore(one: Happening, other: Happening): boolean {
  return one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs
}
