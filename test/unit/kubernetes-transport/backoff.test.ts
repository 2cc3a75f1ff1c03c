import { describe, expect, test } from 'vitest'
import { Backoff } from '../../../src/adapters/kubernetes/backoff.ts'
import { CallWait } from '../../../src/adapters/kubernetes/call-wait.ts'

describe('between watches', () => {
  test('the ceiling doubles from 1 s to 30 s, and starts over after a success', () => {
    const backoff = new Backoff(() => 1)
    const pauses = Array.from({ length: 8 }, () => backoff.next())
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    backoff.reset()
    expect(backoff.next()).toBe(1000)
  })

  test('the jitter is full: the pause may be as short as nothing', () => {
    const backoff = new Backoff(() => 0)
    expect([backoff.next(), backoff.next()]).toEqual([0, 0])
  })

  test('what the server asked for is waited at least', () => {
    expect(new Backoff(() => 0).next(45)).toBe(45_000)
    expect(new Backoff(() => 1).next(45)).toBe(46_000)
  })
})

describe('within a call', () => {
  const refusal = (retryAfterSeconds: number) => {
    return { status: 429, reason: 'TooManyRequests', message: '', ambiguous: false, retryAfterSeconds }
  }

  test('three waits are allowed', () => {
    const wait = new CallWait()
    const waits = Array.from({ length: 4 }, () => wait.next(refusal(1), () => 0))
    expect(waits).toEqual([1000, 1000, 1000, undefined])
  })

  test('together they are at most 30 s', () => {
    const wait = new CallWait()
    expect([wait.next(refusal(20), () => 0), wait.next(refusal(11), () => 0)]).toEqual([20_000, undefined])
    expect(wait.next(refusal(10), () => 0)).toBe(10_000)
  })
})
