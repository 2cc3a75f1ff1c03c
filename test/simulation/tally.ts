import type { Outcome } from './simulate.ts'

/** What many seeds add up to. Survives as JSON, so that a later run goes on. */
export interface Tally {
  seeds: number
  steps: number
  simulatedHours: number
  refreshes: number
  publications: number
  readonly faults: Record<string, number>
  readonly losses: Record<string, number>
  /** Seeds that broke a rule, and which. */
  readonly violations: { readonly seed: number; readonly what: string }[]
}

export function emptyTally(): Tally {
  return {
    seeds: 0,
    steps: 0,
    simulatedHours: 0,
    refreshes: 0,
    publications: 0,
    faults: {},
    losses: {},
    violations: [],
  }
}

/** Adds one seed. */
export function count(tally: Tally, outcome: Outcome): void {
  tally.seeds += 1
  tally.steps += outcome.steps
  tally.simulatedHours += outcome.simulatedHours
  tally.refreshes += outcome.refreshes
  tally.publications += outcome.publications
  for (const [fault, times] of outcome.faults) tally.faults[fault] = (tally.faults[fault] ?? 0) + times
  for (const [cause, times] of outcome.losses) tally.losses[cause] = (tally.losses[cause] ?? 0) + times
  if (outcome.violation !== undefined) tally.violations.push({ seed: outcome.seed, what: outcome.violation })
}

/** Adds what another tally has. */
export function add(tally: Tally, more: Tally): void {
  tally.seeds += more.seeds
  tally.steps += more.steps
  tally.simulatedHours += more.simulatedHours
  tally.refreshes += more.refreshes
  tally.publications += more.publications
  for (const [fault, times] of Object.entries(more.faults)) tally.faults[fault] = (tally.faults[fault] ?? 0) + times
  for (const [cause, times] of Object.entries(more.losses)) tally.losses[cause] = (tally.losses[cause] ?? 0) + times
  tally.violations.push(...more.violations)
}

/** For people. */
export function tallyText(tally: Tally): string {
  const struck = Object.values(tally.faults).reduce((sum, times) => sum + times, 0)
  const per = (figure: number): string => (figure / Math.max(1, tally.seeds)).toFixed(1)
  return [
    `${tally.seeds} seeds, ${Math.round(tally.simulatedHours)} simulated hours, ${tally.steps} steps`,
    `${tally.refreshes} refreshes (${per(tally.refreshes)} a seed), ${tally.publications} publications`,
    `${struck} faults (${per(struck)} a seed): ${listed(tally.faults)}`,
    `logins lost: ${listed(tally.losses)}`,
    `violations: ${tally.violations.length}`,
  ].join('\n')
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).toSorted(([, one], [, other]) => other - one)
  return entries.length === 0 ? 'none' : entries.map(([name, times]) => `${name} ${times}`).join(', ')
}
