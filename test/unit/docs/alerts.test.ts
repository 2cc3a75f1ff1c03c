import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readAlertSources } from '../../../scripts/alert-rules.ts'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'
import { isKnownSeries, seriesOf } from './series.ts'

const { alerts, recordings } = readAlertSources(
  readFileSync('deploy/helm/oauth-credential-operator/files/alerts.yaml', 'utf8'),
)
const recorded = new Set(recordings.map(({ record }) => record))

describe('every alert', () => {
  test.each([...alerts, ...recordings].map((rule) => ['alert' in rule ? rule.alert : rule.record, rule.expr]))(
    '%s asks for series that exist',
    (_, expression) => {
      const series = seriesOf(expression)
      expect(series.length).toBeGreaterThan(0)
      expect(series.filter((name) => !recorded.has(name) && !isKnownSeries(name))).toEqual([])
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
