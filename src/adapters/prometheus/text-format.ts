/** One metric of the text exposition format with the samples that were rendered for it. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly samples: string[]
}

const special = /[\\"\n]/g
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** `name="value"` with the value escaped as the text format wants it. */
export function labelText(name: string, value: string): string {
  return `${name}="${value.replace(special, (character) => escapes[character] ?? character)}"`
}

/** One line. `labels` are rendered already. */
export function sampleText(name: string, labels: string, value: number): string {
  return `${name}{${labels}} ${numberText(value)}\n`
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** Header and samples of each family that has samples. */
export function gaugesText(families: Iterable<Family>): string {
  let text = ''
  for (const { name, help, samples } of families) {
    if (samples.length > 0) text += `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.join('')}`
  }
  return text
}
