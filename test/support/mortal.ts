/** How long a process lives. */
export class Life {
  #isOver = false
  #fatal: string | undefined

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    this.#isOver = true
  }

  dieOf(call: string): void {
    this.#fatal = call
  }

  /** Makes a call, unless the process is dead; its result reaches nobody who is dead by then. */
  call(name: string, make: () => unknown): unknown {
    if (this.#isOver) return never()
    const isFatal = this.#fatal === name
    const result = make()
    if (!(result instanceof Promise)) return result
    return this.#unlessDead(result, isFatal)
  }

  async #unlessDead(result: Promise<unknown>, isFatal: boolean): Promise<unknown> {
    const value = await result
    if (isFatal) this.end()
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
