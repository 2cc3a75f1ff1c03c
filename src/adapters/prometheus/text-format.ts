const special = /[\\"\n]/g
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** `name="value"` with the value escaped as the text format wants it. */
export function labelText(name: string, value: string): string {
  return `${name}="${value.replace(special, (character) => escapes[character] ?? character)}"`
}

/**
 * One gauge of the text exposition format with its samples. They are kept as bytes, outside of the
 * JavaScript heap: as strings, a scrape of ten thousand credentials would make the heap grow by half
 * for good.
 */
export class GaugeText {
  readonly #name: string
  readonly #help: string
  readonly #settled: Buffer[] = []
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
    if (this.#recent.length > 0) this.#settled.push(Buffer.from(this.#recent.join('')))
    this.#recent = []
  }

  /** Header and samples; empty when there are no samples. */
  bytes(): readonly Buffer[] {
    this.settle()
    if (this.#settled.length === 0) return []
    return [Buffer.from(`# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} gauge\n`), ...this.#settled]
  }
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
