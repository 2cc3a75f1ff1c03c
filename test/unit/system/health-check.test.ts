import { describe, expect, test } from 'vitest'
import { EventLoopCheck } from '../../../src/adapters/system/event-loop-check.ts'
import { healthReport, type HealthCheck } from '../../../src/adapters/system/health-check.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import { canary, observeOutput } from '../../support/canary.ts'

function check(name: string, problem?: string): HealthCheck {
  return { name, problem: () => problem }
}

describe('a health report', () => {
  test('without checks is ok', () => {
    expect(healthReport([])).toEqual({ ok: true, text: 'ok\n' })
  })

  test('says of each check how it is', () => {
    const report = healthReport([check('event-loop'), check('watch', 'no event for 900 s')])
    expect(report).toEqual({ ok: false, text: '[+] event-loop: ok\n[-] watch: no event for 900 s\nnot ok\n' })
  })

  test('counts a check that throws as unwell, without what it threw', () => {
    const broken: HealthCheck = {
      name: 'broken',
      problem: () => {
        throw new Error(canary('secret'))
      },
    }
    const report = healthReport([broken, check('fine')])
    observeOutput('health report', report.text)
    expect(report.text).toBe('[-] broken: the check itself failed\n[+] fine: ok\nnot ok\n')
  })
})

/** A clock whose timers come as late as a busy process would let them. */
class LateClock implements Clock {
  #ms = 0
  #next: { readonly atMs: number; readonly wake: () => void } | undefined

  now() {
    return epochSeconds(this.#ms / 1000)
  }

  monotonicMs(): number {
    return this.#ms
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    this.#next = { atMs: this.#ms + delayMs, wake }
    return () => {
      this.#next = undefined
    }
  }

  /** The next timers come, each so many milliseconds late. */
  beat(count: number, lateMs: number): void {
    for (let at = 0; at < count; at += 1) {
      const { atMs, wake } = this.#next ?? { atMs: 0, wake: () => undefined }
      this.#ms = atMs + lateMs
      wake()
    }
  }

  armed(): boolean {
    return this.#next !== undefined
  }
}

describe('the event loop is', () => {
  function started(): { clock: LateClock; check: EventLoopCheck } {
    const clock = new LateClock()
    const eventLoop = new EventLoopCheck(clock)
    eventLoop.start()
    return { clock, check: eventLoop }
  }

  test('well before the first heartbeat', () => {
    expect(started().check.problem()).toBeUndefined()
  })

  test('well when every heartbeat is a little late', () => {
    const { clock, check: eventLoop } = started()
    clock.beat(100, 400)
    expect(eventLoop.problem()).toBeUndefined()
  })

  test('unwell when half of the time is lost', () => {
    const { clock, check: eventLoop } = started()
    clock.beat(14, 1000)
    expect(eventLoop.problem()).toBeUndefined()
    clock.beat(1, 1000)
    expect(eventLoop.problem()).toBe('the last 30 heartbeats were 15 s late')
  })

  test('well after one long stop, as when the machine was suspended', () => {
    const { clock, check: eventLoop } = started()
    clock.beat(1, 3_600_000)
    expect(eventLoop.problem()).toBeUndefined()
  })

  test('well again once thirty heartbeats came in time', () => {
    const { clock, check: eventLoop } = started()
    clock.beat(30, 2000)
    expect(eventLoop.problem()).toBeDefined()
    clock.beat(30, 0)
    expect(eventLoop.problem()).toBeUndefined()
  })

  test('no longer watched after a stop', () => {
    const { clock, check: eventLoop } = started()
    eventLoop.stop()
    expect(clock.armed()).toBe(false)
  })
})
