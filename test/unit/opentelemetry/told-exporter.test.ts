import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { ToldExporter } from '../../../src/adapters/opentelemetry/told-exporter.ts'
import { canary } from '../../support/canary.ts'
import { LogLines } from '../../support/memory-ports.ts'

type Spans = Parameters<SpanExporter['export']>[0]

/** Three spans, of which nobody looks at anything. */
const spans: Spans = Array.from<Spans[number]>({ length: 3 })

function exporterOf(outcomes: readonly ('taken' | 'refused' | 'thrown')[]) {
  const left = [...outcomes]
  const log = new LogLines()
  const inner: SpanExporter = {
    export: (_, done) => {
      const outcome = left.shift()
      if (outcome === 'thrown') throw new Error(canary('secret'))
      done(outcome === 'taken' ? { code: 0 } : { code: 1, error: new Error(canary('secret')) })
    },
    shutdown: () => Promise.resolve(),
  }
  return { exporter: new ToldExporter(inner, 'collector:4318', log), log }
}

test('a collector that takes no spans is told of once, and once when it takes them again, with what is lost', () => {
  const { exporter, log } = exporterOf(['taken', 'refused', 'thrown', 'refused', 'taken', 'taken', 'refused'])
  const results: number[] = []
  for (let at = 0; at < 7; at += 1) exporter.export(spans, ({ code }) => results.push(code))
  const lost = 'The collector does not take traces: they are dropped until it does.'
  const fields = { collector: 'collector:4318' }
  expect(log.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: 'warn', ...fields, message: lost },
    { level: 'info', ...fields, dropped: 9, message: 'The collector takes traces again.' },
    { level: 'warn', ...fields, message: lost },
  ])
  // The library would shout at the whole process about each failure.
  expect(results).toEqual(Array.from({ length: 7 }, () => 0))
})
