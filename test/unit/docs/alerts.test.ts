import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readAlertSources } from '../../../scripts/alert-rules.ts'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'

const { alerts, recordings } = readAlertSources(
  readFileSync('deploy/helm/oauth-credential-operator/files/alerts.yaml', 'utf8'),
)
const documented = new Set(
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `([a-z_]+)`/gm)].map(([, metric]) => metric),
)
const recorded = new Set(recordings.map(({ record }) => record))
/** What Prometheus itself says of a target. */
const ofPrometheus = new Set(['up'])
const word = /\b[a-z][a-z_]*(?::[a-z0-9_]+)*(?=\s*(?:\{|\[|$| [-=<>]|\)|\n))/g
const promql = new Set(['by', 'on', 'or', 'and', 'unless', 'bool'])

/** Names of series in an expression: words that are neither of PromQL nor labels. */
function seriesOf(expression: string): readonly string[] {
  const bare = expression
    .replaceAll('$threshold', '1')
    .replaceAll(/\{[^}]*\}/g, '{}')
    .replaceAll(/\b(by|on) \([^)]*\)/g, '')
  return [...bare.matchAll(word)].map(([name]) => name).filter((name) => !promql.has(name))
}

describe('every alert', () => {
  test.each([...alerts, ...recordings].map((rule) => ['alert' in rule ? rule.alert : rule.record, rule.expr]))(
    '%s asks for series that exist',
    (_, expression) => {
      const series = seriesOf(expression)
      expect(series.length).toBeGreaterThan(0)
      const known = (name: string): boolean => documented.has(name) || recorded.has(name) || ofPrometheus.has(name)
      expect(series.filter((name) => !known(name))).toEqual([])
    },
  )

  test.each(alerts.map((alert) => [alert.alert, alert] as const))('%s says who acts, and how fast', (_, alert) => {
    expect(['critical', 'warning']).toContain(alert.severity)
    expect(alert.for).toMatch(/^\d+[mh]$/)
    expect(alert.summary).toMatch(/\.$/)
    expect(alert.description).toMatch(/\.$/)
    expect(alert.expr.includes('$threshold')).toBe(alert.threshold !== undefined)
  })

  test.each(alerts.map(({ alert }) => [alert]))('%s has a runbook with the same outline', (alert) => {
    const file = `docs/runbooks/${alert}.md`
    expect(existsSync(file), file).toBe(true)
    const text = readFileSync(file, 'utf8')
    const titles = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) => title)
    expect(titles).toEqual([alert, 'Meaning', 'Confirm', 'Fix'])
    expect(text).toMatch(/^```sh$/m)
  })
})

test('alerts name condition reasons that exist', () => {
  const reasons = new Set<string>(Object.values(failureRegistry).map(({ reason }) => reason))
  const named = alerts
    .flatMap(({ expr }) => [...expr.matchAll(/reason[!=]~"([^"]+)"/g)])
    .flatMap(([, text]) => text?.split('|') ?? [])
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter((reason) => !reasons.has(reason))).toEqual([])
})
