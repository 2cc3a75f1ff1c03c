import { describe, expect, it } from 'vitest'
import { Preparing } from '../../../src/app/preparing.ts'

/** Lets in as many as may be at `nowMs`. */
function fill(preparing: Preparing, nowMs: number): readonly string[] {
  const keys: string[] = []
  for (let index = 0; preparing.hasRoom(nowMs) && index < 10_000; index += 1) {
    keys.push(`${nowMs}-${index}`)
    preparing.began(`${nowMs}-${index}`, nowMs)
  }
  return keys
}

/** As many as can be let in at `fromMs`, each ready after `tookMs`, and again so often. */
function rounds(preparing: Preparing, tookMs: number, count: number, fromMs = 0): number {
  let most = 0
  for (let round = 0; round < count; round += 1) {
    const nowMs = fromMs + round * tookMs
    const keys = fill(preparing, nowMs)
    most = keys.length
    for (const key of keys) preparing.ended(key, nowMs + tookMs)
  }
  return most
}

describe('how many get ready for a request at a time', () => {
  it('grows as long as all are ready soon', () => {
    expect(rounds(new Preparing(), 50, 1)).toBe(32)
    expect(rounds(new Preparing(), 50, 8)).toBeGreaterThan(200)
  })

  it('is not cut where everything takes seconds anyway', () => {
    expect(rounds(new Preparing(), 4000, 8)).toBeGreaterThan(200)
  })

  it('falls to a few while they are late, and grows again once they are not', () => {
    const preparing = new Preparing()
    rounds(preparing, 50, 6)
    expect(rounds(preparing, 5500, 12, 10_000)).toBe(8)
    expect(rounds(preparing, 50, 16, 100_000)).toBeGreaterThan(200)
  })

  it('is cut once for those that were let in together', () => {
    const preparing = new Preparing()
    for (const key of fill(preparing, 0)) preparing.ended(key, 5500)
    expect(fill(preparing, 6000)).toHaveLength(16)
  })

  it('leaves out who is late, so that a store that hangs holds up nobody for longer', () => {
    const preparing = new Preparing()
    fill(preparing, 0)
    expect(preparing.hasRoom(4999)).toBe(false)
    expect(preparing.roomAtMs).toBe(5000)
    expect(preparing.hasRoom(5000)).toBe(true)
    expect(preparing.roomAtMs).toBe(Infinity)
  })

  it('does not grow while nobody needs it to', () => {
    const preparing = new Preparing()
    for (let index = 0; index < 1000; index += 1) {
      preparing.began(`c-${index}`, index)
      preparing.ended(`c-${index}`, index)
    }
    expect(fill(preparing, 9000)).toHaveLength(32)
  })
})
