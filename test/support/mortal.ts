/** Calls that are answered without a wait. */
const atOnce: ReadonlySet<string> = new Set(['journal.pending', 'journal.entries'])

/** How long a process lives, and what happens beside it. */
export class Life {
  #isOver = false
  readonly #hooks = new Map<string, () => void>()

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    this.#isOver = true
  }

  /** Runs once, when this call is next made: after it has taken place, and before the process hears of it. */
  after(call: string, happens: () => void): void {
    this.#hooks.set(call, happens)
  }

  /** Makes a call, unless the process is dead; its result reaches nobody who is dead by then. What is asked at once changes nothing. */
  call(name: string, make: () => unknown): unknown {
    if (this.#isOver) return atOnce.has(name) ? make() : never()
    const happens = this.#hooks.get(name)
    this.#hooks.delete(name)
    const result = make()
    if (!(result instanceof Promise)) return result
    return this.#told(result, happens)
  }

  async #told(result: Promise<unknown>, happens: (() => void) | undefined): Promise<unknown> {
    const value: unknown = await result
    happens?.()
    return this.#isOver ? never() : value
  }
}

/** The same port for one process: from its death on nothing of it takes place and nothing is answered. */
export function mortal<T extends object>(port: T, name: string, life: Life): T {
  return new Proxy(port, {
    get(target, property): unknown {
      const member: unknown = Reflect.get(target, property, target)
      if (typeof member !== 'function') return member
      return (...given: readonly unknown[]): unknown =>
        life.call(`${name}.${String(property)}`, (): unknown => Reflect.apply(member, target, given))
    },
  })
}

function never(): Promise<never> {
  return new Promise(() => {})
}
