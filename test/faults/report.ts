import type { Loss, Oracle } from './oracle.ts'
import type { StrictServer } from './strict-server.ts'

/** What a suite has found. */
export interface SuiteResult {
  readonly suite: string
  readonly figures: Readonly<Record<string, string | number>>
  readonly violations: readonly string[]
}

/** The figures that every suite has. */
export function commonFigures(server: StrictServer, oracle: Oracle): Readonly<Record<string, string | number>> {
  const { rotated, again, reuse, dead, unknown } = server.families.counts()
  return {
    refreshes: rotated,
    ...(again > 0 && { 'used again within leeway': again }),
    'reuses without harm': oracle.harmlessReuses,
    'reuses seen': reuse,
    'presented after the family was dead': dead,
    'presented though unknown': unknown,
    'lost in W1': inWindow(oracle, 'W1').length,
    'lost in W2': inWindow(oracle, 'W2').length,
    'lost in W3': inWindow(oracle, 'W3').length,
  }
}

export function gaps(oracle: Oracle, window: Loss['window']): readonly number[] {
  return inWindow(oracle, window).flatMap(({ gapMs }) => gapMs ?? [])
}

function inWindow({ losses }: Oracle, window: Loss['window']): readonly Loss[] {
  return losses.filter((loss) => loss.window === window)
}

/** Median, 99th percentile and maximum, in milliseconds. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none'
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms (${sorted.length})`
}

export function print({ suite, figures, violations }: SuiteResult): void {
  console.log(`\n${suite}`)
  for (const [name, value] of Object.entries(figures)) console.log(`  ${name}: ${value}`)
  console.log(violations.length === 0 ? '  no violation' : `  ${violations.length} VIOLATIONS`)
  for (const violation of violations) console.log(`    ${violation}`)
}
