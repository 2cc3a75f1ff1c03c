import type { Metrics } from '../../src/ports/metrics.ts'

/** Counts every call of the metrics port by its name and its labels. `panicked`: a bug ended a reconcile, and nothing else. */
export function memoryMetrics(panicked: () => void = () => undefined): {
  readonly metrics: Metrics
  readonly counts: ReadonlyMap<string, number>
} {
  const counts = new Map<string, number>()
  const metrics = new Proxy({} as Metrics, {
    get:
      (_, name) =>
      (...labels: readonly unknown[]) => {
        const key = [String(name), ...labels.filter((label) => typeof label === 'string')].join(' ')
        counts.set(key, (counts.get(key) ?? 0) + 1)
        if (name === 'reconcilePanicked') panicked()
      },
  })
  return { metrics, counts }
}
