import { describe, expect, it } from 'vitest'
import type { TraceSpan } from '../../src/ports/tracing.ts'
import { World } from '../support/world.ts'

const key = 'teams/ci/claude'

function broken(): never {
  throw new RangeError('no space left on device')
}

/** A span whose calls fail, one of them or all. */
function brokenSpan(fails: readonly (keyof TraceSpan)[]): TraceSpan {
  return {
    get traceId() {
      return fails.includes('traceId') ? broken() : undefined
    },
    child: () => (fails.includes('child') ? broken() : brokenSpan(fails)),
    set: () => (fails.includes('set') ? broken() : undefined),
    end: () => (fails.includes('end') ? broken() : undefined),
  }
}

/** What breaks of telling, and how. */
const breaks: Readonly<Record<string, (world: World) => void>> = {
  'an audit log that takes no line': (world) => (world.audit.record = broken),
  'traces that do not begin': (world) => (world.tracing.begin = broken),
  'spans that have no parts': (world) => (world.tracing.begin = () => brokenSpan(['child']) as never),
  'spans that do not end': (world) => (world.tracing.begin = () => brokenSpan(['end']) as never),
  'spans that take no attributes': (world) => (world.tracing.begin = () => brokenSpan(['set']) as never),
  'a trace without an id': (world) => (world.tracing.begin = () => brokenSpan(['traceId']) as never),
}

describe('a refresh is not failed by', () => {
  it.each(Object.entries(breaks))('%s', async (_what, breakIt) => {
    const world = await World.withCredential()
    breakIt(world)
    await world.clock.pass(2400)
    expect(world.bugs).toEqual([])
    expect(world.endpoint.requests).toBe(2)
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.state().refreshes).toBe(2)
    expect(world.log.lines.some((line) => line.includes('could not be told'))).toBe(true)
  })
})
