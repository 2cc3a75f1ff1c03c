import { argumentsOrEnd, wrongArguments } from '../support/command-line.ts'
import { bigLivenessScopes, bigScopes, livenessScopes, smallScopes } from './configurations.ts'
import { checkLiveness, type LivenessFindings } from './liveness.ts'
import { explore, type Findings } from './search.ts'
import type { Settings } from './settings.ts'

const usage = `Explores all states of the refresh protocol's model.

  node test/model/explore.ts [--scopes big|small] [--only <part of a name>] [--states <limit of each>]

Exit code 1 when anything is violated, 2 when the arguments are wrong.
`

const columns = [
  'configuration',
  'states',
  'transitions',
  'seconds',
  'double spends',
  ...['W1', 'W2', 'W3', 'W4', 'W5'].map((window) => `lost in ${window}`),
  ...['W4', 'W5'].map((window) => `double spends in ${window}`),
  'deadlocks',
  'out of scope',
]

function main(): number {
  const { values } = argumentsOrEnd(usage, {
    options: {
      scopes: { type: 'string', default: 'big' },
      only: { type: 'string', default: '' },
      states: { type: 'string', default: '10000000' },
    },
  })
  const limit = Number(values.states)
  const scopes = { big: bigScopes, small: smallScopes }[values.scopes]
  if (scopes === undefined || !Number.isInteger(limit) || limit < 1) {
    return wrongArguments(usage, '--scopes is big or small, and --states a whole number above 0')
  }
  const chosen = (settings: Settings): boolean => settings.name.includes(values.only)
  const violated = exploreAll(scopes.filter(chosen), limit)
  const lively = values.scopes === 'big' ? [...livenessScopes, ...bigLivenessScopes] : livenessScopes
  const unlively = checkAll(lively.filter(chosen), limit)
  return violated || unlively ? 1 : 0
}

function exploreAll(scopes: readonly Settings[], limit: number): boolean {
  const all: Findings[] = []
  print([columns, columns.map(() => '---')])
  for (const settings of scopes) {
    const findings = explore(settings, limit)
    all.push(findings)
    print([row(findings)])
  }
  print([sum(all)])
  for (const { settings, violation } of all) {
    if (violation !== undefined)
      process.stdout.write(`\n${settings.name}: ${violation.text}\n${violation.trace.join('\n')}\n`)
  }
  return all.some(({ violation, deadlocks }) => violation !== undefined || deadlocks > 0)
}

function row(findings: Findings): string[] {
  const { settings, seconds, violation, complete } = findings
  const end = complete || violation !== undefined ? '' : ' (limit)'
  const first = violation === undefined ? '0' : violation.text
  const [states, transitions, ...rest] = figures(findings).map(count)
  return [settings.name, `${states}${end}`, transitions ?? '', seconds.toFixed(1), first, ...rest]
}

function figures({ states, transitions, losses, spends, deadlocks, beyond }: Findings): number[] {
  return [states, transitions, ...losses, ...spends, deadlocks, beyond]
}

function sum(all: readonly Findings[]): string[] {
  const total = (of: (findings: Findings) => number): number => all.reduce((sum, one) => sum + of(one), 0)
  const [states, transitions, ...rest] = Array.from({ length: columns.length - 3 }, (_, i) =>
    count(total((one) => figures(one)[i] ?? 0)),
  )
  const violations = String(total(({ violation }) => (violation === undefined ? 0 : 1)))
  return ['all', states ?? '', transitions ?? '', total(({ seconds }) => seconds).toFixed(0), violations, ...rest]
}

function checkAll(scopes: readonly Settings[], limit: number): boolean {
  const heads = ['after faults stop', 'states', 'cannot be fresh', 'stuck', 'fair cycles']
  process.stdout.write('\n')
  print([heads, heads.map(() => '---')])
  let bad = false
  for (const settings of scopes) {
    const found = checkLiveness(settings, limit)
    print([[settings.name, count(found.states), ...livenessFigures(found)]])
    if (found.example === undefined) continue
    bad = true
    process.stdout.write(`${found.example}\n`)
  }
  return bad
}

function livenessFigures({ cannotBeFresh, stuck, fairCycles }: LivenessFindings): string[] {
  return [cannotBeFresh, stuck, fairCycles].map(count)
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function print(rows: readonly (readonly string[])[]): void {
  for (const cells of rows) process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

process.exitCode = main()
