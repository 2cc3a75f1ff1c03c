import { readFileSync } from 'node:fs'

const documented = new Set(
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `([a-z_]+)`/gm)].map(([, metric]) => metric),
)
/** What Prometheus itself says of a target, and what Node and its client library say of their process. */
const ofOthers = /^(up|process_[a-z_]+|nodejs_[a-z0-9_]+)$/
const word = /\b[a-z][a-z0-9_]*(?::[a-z0-9_]+)*(?=\s*(?:\{|\[|$| [-=<>]|\)|\n))/g
const promql = new Set(['by', 'on', 'or', 'and', 'unless', 'bool'])

/** The series that an expression asks for: its words that belong neither to PromQL nor to its labels. */
export function seriesOf(expression: string): readonly string[] {
  const bare = expression
    .replaceAll('$threshold', '1')
    .replaceAll(/\{[^}]*\}/g, '{}')
    .replaceAll(/\b(by|on) \([^)]*\)/g, '')
  return [...bare.matchAll(word)].map(([name]) => name).filter((name) => !promql.has(name))
}

/** Whether docs/metrics.md, or somebody else, knows a series. Those of a histogram have endings. */
export function isKnownSeries(name: string): boolean {
  return ofOthers.test(name) || documented.has(name) || documented.has(name.replace(/_(bucket|sum|count)$/, ''))
}
