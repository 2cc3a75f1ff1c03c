/** The end of a process, as far as one object's calls go. */
export class Death extends Error {}

/** A refusal by the file system. */
export function errnoError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code, errno: -1 })
}

export interface MortalOptions {
  /** The call, counted from 1, that does not take place, nor does any after it. */
  readonly diesAt: number
  /** What takes place of the last call; it gets its name and arguments. */
  readonly lastBreath?: (name: string, args: readonly unknown[]) => void | Promise<void>
}

export interface Mortal<T> {
  readonly steps: T
  readonly calls: () => number
}

/** The same calls, until one of them is the last. */
export function mortal<T extends object>(real: T, { diesAt, lastBreath }: MortalOptions): Mortal<T> {
  let calls = 0
  const replaced = Object.entries(real).map(([name, call]: [string, unknown]) => {
    if (typeof call !== 'function') throw new TypeError(`${name} is not a function`)
    const alive = call as (...args: readonly unknown[]) => unknown
    const mayDie = (...args: readonly unknown[]): unknown => {
      calls += 1
      if (calls < diesAt) return alive(...args)
      const said = calls === diesAt ? lastBreath?.(name, args) : undefined
      if (said === undefined) throw new Death(name)
      return said.then(() => {
        throw new Death(name)
      })
    }
    return [name, mayDie]
  })
  return { steps: Object.fromEntries(replaced) as T, calls: () => calls }
}

/** The same calls, of which those that `refuses` names fail. `nth` counts the calls of that name from 1. */
export function refusing<T extends object>(real: T, refuses: (name: string, nth: number) => string | undefined): T {
  const counts = new Map<string, number>()
  const replaced = Object.entries(real).map(([name, call]: [string, unknown]) => {
    const works = call as (...args: readonly unknown[]) => unknown
    const mayFail = (...args: readonly unknown[]): unknown => {
      const nth = (counts.get(name) ?? 0) + 1
      counts.set(name, nth)
      const code = refuses(name, nth)
      if (code !== undefined) throw errnoError(code)
      return works(...args)
    }
    return [name, mayFail]
  })
  return Object.fromEntries(replaced) as T
}
