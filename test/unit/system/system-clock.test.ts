import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SystemClock } from '../../../src/adapters/system/system-clock.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.ts'

const day = 24 * 3600 * 1000

describe('a wake-up', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function woken(delayMs: number): { count: number; readonly cancel: () => void } {
    const seen = { count: 0, cancel: (): void => undefined }
    seen.cancel = new SystemClock().wakeAfter(delayMs, () => {
      seen.count += 1
    })
    return seen
  }

  test('comes once, after the delay', () => {
    const seen = woken(1000)
    vi.advanceTimersByTime(999)
    expect(seen.count).toBe(0)
    vi.advanceTimersByTime(5000)
    expect(seen.count).toBe(1)
  })

  test('does not come once it is cancelled', () => {
    const seen = woken(1000)
    seen.cancel()
    vi.advanceTimersByTime(2000)
    expect(seen.count).toBe(0)
  })

  test('in a year does not come at once, but at the longest delay of a timer', () => {
    const seen = woken(365 * day)
    vi.advanceTimersByTime(24 * day)
    expect(seen.count).toBe(0)
    vi.advanceTimersByTime(day)
    expect(seen.count).toBe(1)
  })

  test('at no known time comes at the longest delay of a timer', () => {
    const seen = woken(Infinity)
    vi.advanceTimersByTime(24 * day)
    expect(seen.count).toBe(0)
  })

  test('in the past comes at once', () => {
    const seen = woken(-5)
    vi.advanceTimersByTime(1)
    expect(seen.count).toBe(1)
  })
})

test('a wake-up keeps the process alive only when that is wanted', () => {
  const before = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const count = (): number =>
    process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length - before
  const cancelIdle = new SystemClock({ unref: true }).wakeAfter(60_000, () => undefined)
  expect(count()).toBe(0)
  const cancel = new SystemClock().wakeAfter(60_000, () => undefined)
  expect(count()).toBe(1)
  cancelIdle()
  cancel()
})

test('the time is in seconds since 1970, the other clock in milliseconds that never go back', () => {
  const clock = new SystemClock()
  const before = clock.monotonicMs()
  expect(Math.abs(clock.now() - Date.now() / 1000)).toBeLessThan(60)
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(before)
})

test('chance is at least 0 and below 1', () => {
  for (let at = 0; at < 100; at += 1) {
    const value = systemRandom()
    expect(value >= 0 && value < 1).toBe(true)
  }
})
