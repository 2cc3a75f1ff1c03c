import { encode, stateWords } from './encoding.ts'
import type { Settings } from './settings.ts'
import { firstWorld, type Step, successors } from './transitions.ts'
import { actors } from './turn.ts'
import { at, claimOf, claims, isOurs, type RefreshRecord, tokenOf, type World } from './world.ts'

/** The steps in words that lead through these encoded states, replicas keeping their numbers. */
export function describeTrace(settings: Settings, path: readonly Uint32Array[]): string[] {
  let now = firstWorld(settings)
  const lines = [`   start: ${describe(now)}`]
  for (const [number, words] of path.entries()) {
    const found = find(settings, now, words)
    if (found === undefined) throw new Error(`No transition leads to step ${number + 1} of the trace.`)
    now = found.world
    lines.push(`${String(number + 1).padStart(2)}. ${whoDoes(found.step)} ${found.step.words}  [${describe(now)}]`)
  }
  return lines
}

function find(settings: Settings, now: World, words: Uint32Array): { world: World; step: Step } | undefined {
  const encoded = new Uint32Array(stateWords)
  let found: { world: World; step: Step } | undefined
  const next = structuredClone(now)
  successors(settings, now, next, () => Object.assign(next, structuredClone(now)))((step, world) => {
    encode(world, encoded)
    if (found === undefined && encoded.every((word, i) => word === words[i]))
      found = { world: structuredClone(world), step }
  })
  return found
}

/** A state that no trace leads to. */
export function describeState(world: World): string {
  const places = world.replicas.map((r, i) => {
    const leads = world.around.leader === i + 1 ? ' (leads)' : ''
    return `replica ${i + 1}${leads} at ${placeOf(r.at)}, journal ${r.journal}, base ${name(r.base)}, answer ${name(r.answer)}`
  })
  return `${describe(world)}; ${places.join('; ')}`
}

function placeOf(position: number): string {
  return Object.entries(at).find(([, value]) => value === position)?.[0] ?? String(position)
}

function whoDoes({ actor }: Step): string {
  if (actor < actors.server) return `replica ${actor + 1}`
  if (actor === actors.server) return 'the server'
  if (actor === actors.otherCluster) return 'another cluster'
  return '-'
}

function describe(world: World): string {
  const document = world.store.documents[world.store.count - 1] ?? 0
  const stored = `store v${world.store.count} ${name(tokenOf(document))}${claim(document)}`
  const newest = world.server.newest
    .filter((token) => token !== 0)
    .map(name)
    .join('+')
  return `server ${newest}${world.server.revoked.includes(1) ? ' revoked' : ''}; ${stored}; ${record(world.record)}`
}

function record({ intent, holder, sends, retained, spent }: RefreshRecord): string {
  const armed =
    intent === 0
      ? ''
      : ` intent ${name(intent)} of ${holder === 0 ? 'nobody' : holder > 3 ? 'gone' : `replica ${holder}`}, ${sends} sent;`
  const tokens = Array.from({ length: 16 }, (_, token) => token).filter((token) => ((spent >> token) & 1) === 1)
  return `record${armed} retained ${name(retained)}, spent ${tokens.map(name).join(' ') || '-'}`
}

function claim(document: number): string {
  const of = claimOf(document)
  const who = of === claims.none ? 'unclaimed' : of === claims.other ? "other cluster's" : `key ${of}`
  return ` (${who}${isOurs(document) ? '' : ', not ours'})`
}

/** First login: t1, t2, …; the human's: h1, h2, … */
function name(token: number): string {
  if (token === 0) return '-'
  return token < 8 ? `t${token}` : `h${token - 8}`
}
