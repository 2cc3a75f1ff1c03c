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
  const braced = labels === '' ? '' : `{${labels}}`
  return `${name}${braced} ${numberText(value)}${exemplar}\n`
}

/**
 * One gauge of an exposition with its samples. They are kept as bytes, outside of the
 * JavaScript heap: as strings, a scrape of ten thousand credentials would make the heap grow by half
 * for good.
 */
export class GaugeText {
  readonly #family: Family
  readonly #format: ExpositionFormat
  readonly #settled: Buffer[] = []
  #recent: string[] = []

  constructor(name: string, help: string, format: ExpositionFormat) {
    this.#family = { name, help, type: 'gauge' }
    this.#format = format
  }

  /** `labels` are rendered already; empty: none. */
  add(labels: string, value: number): void {
    this.#recent.push(sampleText(this.#family.name, labels, value))
  }

  /** Puts the samples so far together. To be called now and then: doing it for all at the end would block for long. */
  settle(): void {
    if (this.#recent.length > 0) this.#settled.push(Buffer.from(this.#recent.join('')))
    this.#recent = []
  }

  /** Header and samples; empty when there are no samples. */
  bytes(): readonly Buffer[] {
    this.settle()
    if (this.#settled.length === 0) return []
    return [Buffer.from(headerText(this.#family, this.#format)), ...this.#settled]
  }
}

export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
