import { expect, onTestFinished, test, vi } from 'vitest'
import { leave } from '../../../src/main/process-end.ts'
import { LogLines } from '../../support/memory-ports.ts'

test('what is still under way after the end holds the process for two seconds, and is named', () => {
  vi.useFakeTimers()
  const exits: unknown[] = []
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => void exits.push(code) as never)
  onTestFinished(() => {
    vi.useRealTimers()
    exit.mockRestore()
  })
  const set = vi.spyOn(globalThis, 'setTimeout')
  const log = new LogLines()
  leave(log)
  // Its own timer holds nothing.
  expect(set.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false])
  vi.advanceTimersByTime(1999)
  expect([exits, log.lines.length]).toEqual([[], 0])
  vi.advanceTimersByTime(1)
  expect(exits).toEqual([undefined])
  expect(log.lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual([['level', 'cause', 'message']])
})
