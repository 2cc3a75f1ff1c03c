import type { ExpositionFormat } from './exposition-format.ts'

const special = /[\\"\n]/g
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }
const unit = /_(seconds|bytes)$/

export interface Family {
  /** Without the suffixes of its samples; of a counter with its `_total`. */
  readonly name: string
  readonly help: string
  readonly type: string
}

/** `name="value"` with the value escaped as both formats want it. */
export function labelText(name: string, value: string): string {
  return `${name}="${escaped(value)}"`
}

function escaped(value: string): string {
  return value.replace(special, (character) => escapes[character] ?? character)
}

/** What stands before the samples of a family. OpenMetrics names a counter without `_total`, and the unit that a name ends with. */
export function headerText({ name, help, type }: Family, format: ExpositionFormat): string {
  if (format === 'text') {
    return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
  }
  const family = type === 'counter' ? name.replace(/_total$/, '') : name
  const [, measured] = unit.exec(family) ?? []
  const unitLine = measured === undefined ? '' : `# UNIT ${family} ${measured}\n`
  return `# HELP ${family} ${escaped(help)}\n# TYPE ${family} ${type}\n${unitLine}`
}

/** One sample, with its newline. `labels` are rendered already; empty: none. `exemplar` too. */
export function sampleText(name: string, labels: string, value: number, exemplar = ''): string {
  const start = labels === '' ? name : `${name}{${labels}}`
  return `${start} ${numberText(value)}${exemplar}\n`
}

/** Ends of samples with labels, for the values that most samples have. */
const usualEnds = Array.from({ length: 10 }, (_, value) => `} ${value}\n`)

/** How the samples of one family are rendered that have labels: tens of thousands, so no text is put together twice. */
export function sampleTexts(name: string): (labels: string, value: number) => string {
  const start = `${name}{`
  return (labels, value) => start + labels + (usualEnds[value] ?? `} ${numberText(value)}\n`)
}

export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
