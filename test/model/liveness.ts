import { decode, encode, stateWords } from './encoding.ts'
import { exploreSet, type Findings } from './search.ts'
import type { Settings } from './settings.ts'
import type { StateSet } from './state-set.ts'
import { describeState } from './trace.ts'
import { firstWorld, successors } from './transitions.ts'
import { actors } from './turn.ts'
import { claimOf, claims, currentDocument, replicaOf, tokenOf, type World } from './world.ts'

/** What holds once faults have stopped, one replica leads and every process goes on. */
export interface LivenessFindings {
  readonly search: Findings
  /** States after the end of faults. */
  readonly states: number
  /** From which nothing leads to a fresh access token although its refresh token is alive and known. */
  readonly cannotBeFresh: number
  /** From which nothing leads to a fresh access token, nor to a reason for a human. */
  readonly stuck: number
  /** Groups of states that a fair schedule may never leave, without either. */
  readonly fairCycles: number
  readonly example?: string
}

/** After the end of faults: the edges between states, as an index over their sources. */
interface Graph {
  readonly states: readonly number[]
  readonly targets: Map<number, readonly Edge[]>
  /** States with a transition out of the scope: nothing can be said of them. */
  readonly leaving: Set<number>
}

interface Edge {
  readonly to: number
  /** 0 the leader, 1 the other replica, 2 and more: what is around. */
  readonly actor: number
}

/** For two replicas: the leader and the other one keep their places, whatever their numbers. */
export function checkLiveness(settings: Settings, limit: number): LivenessFindings {
  const { findings, set } = exploreSet({ ...settings, faultsStop: true }, limit)
  if (!findings.complete) throw new Error(`${settings.name} has more than ${limit} states.`)
  const world = firstWorld(settings)
  const graph = graphOf(settings, set)
  const sorts = new Map(graph.states.map((state) => [state, sortOf(load(set, state, world))]))
  const isEnd = (state: number): boolean => {
    const sort = sorts.get(state)
    return sort?.fresh === true || sort?.stalled === true || graph.leaving.has(state)
  }
  const back = reversed(graph)
  const toFresh = reaching(
    back,
    graph.states.filter((state) => sorts.get(state)?.fresh === true || graph.leaving.has(state)),
  )
  const toEnd = reaching(back, graph.states.filter(isEnd))
  const cannotBeFresh = graph.states.filter((state) => sorts.get(state)?.mustBeFresh === true && !toFresh.has(state))
  const stuck = graph.states.filter((state) => !toEnd.has(state))
  const cycles = fairCycles(graph, isEnd)
  const worst = stuck[0] ?? cycles[0] ?? cannotBeFresh[0]
  return {
    search: findings,
    states: graph.states.length,
    cannotBeFresh: cannotBeFresh.length,
    stuck: stuck.length,
    fairCycles: cycles.length,
    ...(worst === undefined ? {} : { example: describeState(load(set, worst, world)) }),
  }
}

interface Sort {
  readonly fresh: boolean
  readonly stalled: boolean
  readonly mustBeFresh: boolean
}

function sortOf(world: World): Sort {
  const { server, around } = world
  const document = currentDocument(world)
  const alive = [0, 1].some(
    (login) => server.newest[login] !== 0 && server.lost[login] === 0 && server.abandoned[login] === 0,
  )
  const hasPlace = tokenOf(document) !== 0 && claimOf(document) !== claims.other
  return {
    fresh: around.due === 0,
    stalled: replicaOf(world, around.leader - 1).stalled !== 0,
    mustBeFresh: alive && hasPlace && around.rolledBack === 0 && around.overrun === 0,
  }
}

function load(set: StateSet, state: number, world: World): World {
  decode(set.words, state * stateWords, world)
  return world
}

function graphOf(settings: Settings, set: StateSet): Graph {
  const [now, next] = [firstWorld(settings), firstWorld(settings)]
  const words = new Uint32Array(stateWords)
  const states: number[] = []
  const targets = new Map<number, readonly Edge[]>()
  const leaving = new Set<number>()
  let current = 0
  const expand = successors(settings, now, next, () => decode(set.words, current * stateWords, next))
  for (; current < set.size; current++) {
    load(set, current, now)
    if (now.around.leader === 0) continue
    const edges: Edge[] = []
    expand(({ actor }, world) => {
      if (world.marks.beyond) {
        leaving.add(current)
        return
      }
      const role = actor >= actors.server ? actor : actor === now.around.leader - 1 ? 0 : 1
      encode(world, words)
      edges.push({ to: set.add(words, -1), actor: role })
    })
    states.push(current)
    targets.set(current, edges)
  }
  return { states, targets, leaving }
}

function reversed(graph: Graph): Map<number, number[]> {
  const back = new Map<number, number[]>()
  for (const [from, edges] of graph.targets) {
    for (const { to } of edges) {
      const sources = back.get(to)
      if (sources === undefined) back.set(to, [from])
      else sources.push(from)
    }
  }
  return back
}

function reaching(back: Map<number, number[]>, goals: readonly number[]): Set<number> {
  const found = new Set(goals)
  const queue = [...goals]
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (const source of back.get(state) ?? []) {
      if (found.has(source)) continue
      found.add(source)
      queue.push(source)
    }
  }
  return found
}

/** One state of each group without an end that nobody who could always leave it is denied a step in. */
function fairCycles(graph: Graph, isGoal: (state: number) => boolean): number[] {
  const inside = (state: number): readonly Edge[] => (graph.targets.get(state) ?? []).filter(({ to }) => !isGoal(to))
  const groups = components(
    graph.states.filter((state) => !isGoal(state)),
    inside,
  )
  return groups.filter((group) => isFairCycle(group, graph)).flatMap((group) => group.slice(0, 1))
}

function isFairCycle(group: readonly number[], graph: Graph): boolean {
  const members = new Set(group)
  const moving = new Set<number>()
  let enabled: Set<number> | undefined
  for (const state of group) {
    const edges = graph.targets.get(state) ?? []
    for (const { to, actor } of edges) if (members.has(to)) moving.add(actor)
    const here = new Set(edges.map(({ actor }) => actor))
    enabled = new Set([...(enabled ?? here)].filter((actor) => here.has(actor)))
  }
  return moving.size > 0 && [...(enabled ?? [])].every((actor) => moving.has(actor))
}

/** Strongly connected components (Tarjan), without recursion. */
function components(states: readonly number[], edgesOf: (state: number) => readonly Edge[]): number[][] {
  const order = new Map<number, number>()
  const low = new Map<number, number>()
  const open: number[] = []
  const isOpen = new Set<number>()
  const groups: number[][] = []
  const enter = (state: number): Visit => {
    order.set(state, order.size)
    low.set(state, order.size - 1)
    open.push(state)
    isOpen.add(state)
    return { state, edges: edgesOf(state), next: 0 }
  }
  const lower = (state: number, to: number): void => void low.set(state, Math.min(low.get(state) ?? 0, to))
  const leave = ({ state }: Visit, parent: Visit | undefined): void => {
    if (parent !== undefined) lower(parent.state, low.get(state) ?? 0)
    if (low.get(state) !== order.get(state)) return
    const group = open.splice(open.lastIndexOf(state))
    for (const member of group) isOpen.delete(member)
    groups.push(group)
  }
  for (const root of states) {
    if (order.has(root)) continue
    const path = [enter(root)]
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const edge = visit.edges[visit.next++]
      if (edge === undefined) leave(visit, path[path.length - 2])
      if (edge === undefined) path.pop()
      else if (!order.has(edge.to)) path.push(enter(edge.to))
      else if (isOpen.has(edge.to)) lower(visit.state, order.get(edge.to) ?? 0)
    }
  }
  return groups
}

interface Visit {
  readonly state: number
  readonly edges: readonly Edge[]
  next: number
}
