import { decode, encode, stateWords } from './encoding.ts'
import type { Settings } from './settings.ts'
import { StateSet } from './state-set.ts'
import { describeTrace } from './trace.ts'
import { firstWorld, type Step, successors, type Visit } from './transitions.ts'
import { at, type World } from './world.ts'

export interface Findings {
  readonly settings: Settings
  readonly states: number
  readonly transitions: number
  readonly seconds: number
  /** False when the limit ended it. */
  readonly complete: boolean
  /** Transitions that left the scope, by more tokens or document versions than it has room for. */
  readonly beyond: number
  /** Transitions that lost something, by window 1 to 5. */
  readonly losses: readonly number[]
  /** Transitions that presented a spent refresh token in W4 and in W5; outside of them that is a violation. */
  readonly spends: readonly number[]
  /** States in which nothing can happen although something is to be done. */
  readonly deadlocks: number
  /** The first one, with the shortest way to it. */
  readonly violation?: { readonly text: string; readonly trace: readonly string[] }
}

/** Breadth-first over all states, so the first violation has a shortest trace. Ends at the first, or at `limit` states. */
export function explore(settings: Settings, limit: number): Findings {
  return exploreSet(settings, limit).findings
}

/** As {@link explore}, with the states. */
export function exploreSet(settings: Settings, limit: number): { findings: Findings; set: StateSet } {
  const started = performance.now()
  const search = new Search(settings, limit)
  search.run()
  return { findings: { ...search.findings(), seconds: (performance.now() - started) / 1000 }, set: search.set }
}

class Search {
  readonly #settings: Settings
  readonly #set: StateSet
  readonly #words = new Uint32Array(stateWords)
  readonly #now: World
  readonly #next: World
  readonly #losses = [0, 0, 0, 0, 0, 0]
  readonly #spends = [0, 0, 0, 0, 0, 0]
  #current = 0
  #transitions = 0
  #beyond = 0
  #deadlocks = 0
  #violation: { text: string; trace: readonly string[] } | undefined

  constructor(settings: Settings, limit: number) {
    this.#settings = settings
    this.#set = new StateSet(limit)
    this.#now = firstWorld(settings)
    this.#next = firstWorld(settings)
  }

  get set(): StateSet {
    return this.#set
  }

  run(): void {
    const set = this.#set
    encode(this.#now, this.#words)
    set.add(this.#words, -1)
    const visit: Visit = (step, next) => this.#visit(step, next)
    const expand = successors(this.#settings, this.#now, this.#next, () =>
      decode(set.words, this.#current * stateWords, this.#next),
    )
    while (this.#current < set.size && !set.isFull && this.#violation === undefined) {
      decode(set.words, this.#current * stateWords, this.#now)
      const before = this.#transitions
      expand(visit)
      if (this.#transitions === before && isUnfinished(this.#now)) this.#deadlocks++
      this.#current++
    }
  }

  findings(): Omit<Findings, 'seconds'> {
    const complete = this.#current >= this.#set.size
    const violation = this.#violation === undefined ? {} : { violation: this.#violation }
    return {
      settings: this.#settings,
      states: this.#set.size,
      transitions: this.#transitions,
      complete,
      beyond: this.#beyond,
      losses: this.#losses.slice(1),
      spends: this.#spends.slice(4),
      deadlocks: this.#deadlocks,
      ...violation,
    }
  }

  #visit(step: Step, next: World): void {
    this.#transitions++
    if (next.marks.beyond) {
      this.#beyond++
      return
    }
    count(this.#losses, next.marks.lostIn)
    count(this.#spends, next.marks.spentIn)
    encode(next, this.#words)
    if (next.marks.violation !== '') this.#report(next.marks.violation)
    else if (!this.#set.isFull) this.#set.add(this.#words, this.#current)
  }

  #report(text: string): void {
    if (this.#violation !== undefined) return
    const path = [this.#words.slice()]
    for (let state = this.#current; state > 0; state = this.#set.parentOf(state)) {
      path.push(this.#set.words.slice(state * stateWords, (state + 1) * stateWords))
    }
    this.#violation = { text, trace: describeTrace(this.#settings, path.reverse()) }
  }
}

function count(windows: number[], window: number): void {
  if (window !== 0) windows[window] = (windows[window] ?? 0) + 1
}

function isUnfinished(world: World): boolean {
  return world.around.due === 1 || world.replicas.some((r) => r.at !== at.idle)
}
