import { TraceFlags } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { QueuedSpans } from '../../../src/adapters/opentelemetry/queued-spans.ts'
import { ToldExporter } from '../../../src/adapters/opentelemetry/told-exporter.ts'
import { LogLines } from '../../support/memory-ports.ts'

/** A span of which nobody looks at more. */
function aSpan(isSampled = true): ReadableSpan {
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  const span: object = { spanContext: () => ({ traceFlags }), resource: {} }
  return span as ReadableSpan
}

/** A queue of ten, whose collector answers when it is told to. */
function aQueue() {
  const answers: (() => void)[] = []
  let taken = 0
  const inner: SpanExporter = {
    export: (spans, done) => {
      taken += spans.length
      answers.push(() => done({ code: 0 }))
    },
    shutdown: () => Promise.resolve(),
  }
  const log = new LogLines()
  const options = { maxQueueSize: 10, scheduledDelayMs: 3_600_000 }
  const queue = new QueuedSpans(new ToldExporter(inner, 'collector:4318', log), options)
  const end = (count: number, isSampled = true): void => {
    for (let at = 0; at < count; at += 1) queue.onEnd(aSpan(isSampled))
  }
  const answer = async (): Promise<void> => {
    for (const each of answers.splice(0)) each()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const told = () => log.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { queue, end, answer, told, taken: () => taken }
}

const fields = { collector: 'collector:4318' }
const warning = {
  level: 'warn',
  ...fields,
  message: 'More spans end than may wait for the collector: some are dropped.',
}
const over = { level: 'info', ...fields, dropped: 10, message: 'Every span has found its place again.' }

test('spans that find the queue full are dropped, and told once, with their number when it is over', async () => {
  const { queue, end, answer, told, taken } = aQueue()
  end(20)
  expect([taken(), told()]).toEqual([10, []])
  end(7)
  expect(told()).toEqual([warning])
  await answer()
  expect(taken()).toBe(20)
  end(13)
  await answer()
  expect([taken(), told()]).toEqual([30, [warning]])
  end(10)
  await answer()
  expect([taken(), told()]).toEqual([40, [warning, over]])
  await answer()
  await queue.shutdown()
})

test('spans that are not sampled take no place', async () => {
  const { queue, end, told, taken } = aQueue()
  end(25, false)
  expect([taken(), told()]).toEqual([0, []])
  await queue.shutdown()
})
