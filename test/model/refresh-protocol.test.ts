import { describe, expect, test } from 'vitest'
import { livenessScopes, smallScopes } from './configurations.ts'
import { decode, encode, stateWords } from './encoding.ts'
import { checkLiveness } from './liveness.ts'
import { explore } from './search.ts'
import type { Fault, Settings } from './settings.ts'
import { describeState } from './trace.ts'
import { firstWorld } from './transitions.ts'
import { at, replicaOf, type World } from './world.ts'

const stateLimit = 300_000

/** What has to happen for a window of loss to open, W1 to W5. */
const causes: readonly (readonly Fault[])[] = [
  ['lostAnswer', 'truncatedAnswer', 'crash', 'podLoss'],
  ['crash', 'podLoss'],
  ['podLoss', 'journalLoss'],
  ['pause'],
  ['rollback', 'restore', 'humanEdit'],
]

describe('all states of the refresh protocol', () => {
  test.each(smallScopes.map((settings) => [settings.name, settings] as const))('%s', (_, settings) => {
    const findings = explore(settings, stateLimit)
    expect(findings.violation?.trace.join('\n') ?? '').toBe('')
    expect(findings.complete).toBe(true)
    expect(findings.deadlocks).toBe(0)
    for (const [window, losses] of findings.losses.entries()) {
      if (losses > 0) expect(causes[window]?.some((fault) => settings.faults[fault] !== undefined)).toBe(true)
    }
    // A server without leeway does lose what is lost on the way; one that answers the same again loses nothing.
    if (settings.faults.lostAnswer !== undefined && settings.leeway === 'None')
      expect(findings.losses[0]).toBeGreaterThan(0)
    if (settings.leeway === 'SameToken') expect(findings.losses).toEqual([0, 0, 0, 0, 0])
  })
})

describe('once faults have stopped, every fair run ends in a fresh access token or in a reason for a human', () => {
  test.each(livenessScopes.map((settings) => [settings.name, settings] as const))('%s', (_, settings) => {
    const { states, cannotBeFresh, stuck, fairCycles, example } = checkLiveness(settings, stateLimit)
    expect(states).toBeGreaterThan(0)
    expect({ cannotBeFresh, stuck, fairCycles, example }).toEqual({ cannotBeFresh: 0, stuck: 0, fairCycles: 0 })
  })
})

describe('an encoded state', () => {
  const settings: Settings = { ...firstOf(smallScopes), replicas: 3 }

  function worldWith(change: (world: World) => void): Uint32Array {
    const world = firstWorld(settings)
    change(world)
    const words = new Uint32Array(stateWords)
    encode(world, words)
    return words
  }

  test('is read back as it was', () => {
    const words = worldWith((world) => {
      Object.assign(replicaOf(world, 0), {
        at: at.commit,
        journal: 3,
        document: 145,
        version: 5,
        base: 1,
        answer: 2,
        storeDone: 2,
      })
      Object.assign(world.record, {
        intent: 1,
        holder: 1,
        age: 1,
        sends: 3,
        retained: 2,
        refused: 4,
        sealedBy: 3,
        spent: 0x8002,
      })
      world.around.leader = 3
      world.around.published = 15
    })
    const world = firstWorld(settings)
    decode(words, 0, world)
    const again = new Uint32Array(stateWords)
    encode(world, again)
    expect(again).toEqual(words)
    expect(describeState(world)).toContain('spent t1 h7')
  })

  test('is the same when two replicas change places, with everything that points to them', () => {
    const one = worldWith((world) => {
      replicaOf(world, 0).at = at.send
      world.record.holder = 1
    })
    const other = worldWith((world) => {
      replicaOf(world, 2).at = at.send
      world.record.holder = 3
    })
    const different = worldWith((world) => {
      replicaOf(world, 2).at = at.send
      world.record.holder = 1
    })
    expect(other).toEqual(one)
    expect(different).not.toEqual(one)
  })
})

function firstOf(scopes: readonly Settings[]): Settings {
  const [first] = scopes
  if (first === undefined) throw new Error('There is no scope.')
  return first
}
