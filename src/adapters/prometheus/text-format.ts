const special = /[\\"\n]/g
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** `name="value"` with the value escaped as the text format wants it. */
export function labelText(name: string, value: string): string {
  return `${name}="${value.replace(special, (character) => escapes[character] ?? character)}"`
}

/** One gauge of the text exposition format with its samples. */
export class GaugeText {
  readonly #name: string
  readonly #help: string
  readonly #settled: string[] = []
  #recent: string[] = []

  constructor(name: string, help: string) {
    this.#name = name
    this.#help = help
  }

  /** `labels` are rendered already; empty: none. */
  add(labels: string, value: number): void {
    const braced = labels === '' ? '' : `{${labels}}`
    this.#recent.push(`${this.#name}${braced} ${numberText(value)}\n`)
  }

  /** Puts the samples so far together. To be called now and then: doing it for all at the end would block for long. */
  settle(): void {
    this.#settled.push(this.#recent.join(''))
    this.#recent = []
  }

  /** Header and samples; empty when there are no samples. */
  text(): string {
    this.settle()
    const samples = this.#settled.join('')
    return samples === '' ? '' : `# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} gauge\n${samples}`
  }
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
