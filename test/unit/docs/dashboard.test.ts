import { describe, expect, test } from 'vitest'
import { dashboard } from '../../../scripts/dashboard.ts'
import { isKnownSeries, seriesOf } from './series.ts'

interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: Place
  readonly targets?: readonly { readonly expr: string }[]
}

const { panels, templating } = JSON.parse(dashboard()) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}
const drawn = panels.filter(({ type }) => type !== 'row')

describe('every panel of the dashboard', () => {
  test.each(drawn.map((panel) => [panel.title, panel] as const))('%s asks for series that exist', (_, panel) => {
    const expressions = panel.targets?.map(({ expr }) => expr) ?? []
    const series = expressions.flatMap(seriesOf)
    expect(series.length).toBeGreaterThanOrEqual(expressions.length)
    expect(series.filter((name) => !isKnownSeries(name))).toEqual([])
    expect(panel.description).toMatch(/\.$/)
  })

  test('names variables that the dashboard has', () => {
    const named = drawn.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(/\$[a-z]+/g) ?? []))
    const known = templating.list.map(({ name }) => `$${name}`)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((name) => !known.includes(name))).toEqual([])
  })

  test('has a place of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const overlapping = panels.flatMap((a) => panels.filter((b) => b.id > a.id && overlap(a.gridPos, b.gridPos)))
    expect(overlapping).toEqual([])
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})

function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}
