/** One series of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposition {
  readonly samples: readonly Sample[]
  /** By family. */
  readonly types: ReadonlyMap<string, string>
  /** The value of the one series that has exactly these labels; undefined when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
  /** The series of one name. */
  series(name: string): readonly Sample[]
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)$/
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y
const suffixes: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/**
 * Parses the text exposition format 0.0.4 as strictly as a scraper may: every sample belongs to a
 * family that was declared once and is contiguous, escapes are valid, no series comes twice.
 */
export function parseExposition(text: string): Exposition {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end')
  const found = { types: new Map<string, string>(), series: new Map<string, Sample>(), family: '' }
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE ')) declare(line, found)
    else if (line !== '' && !line.startsWith('#')) append(parseSample(line), found)
  }
  const samples = [...found.series.values()]
  return {
    samples,
    types: found.types,
    value: (name, labels = {}) => found.series.get(seriesId(name, labels))?.value,
    series: (name) => samples.filter((sample) => sample.name === name),
  }
}

interface Found {
  readonly types: Map<string, string>
  readonly series: Map<string, Sample>
  family: string
}

function declare(line: string, found: Found): void {
  const [, , name = '', type = ''] = line.split(' ')
  if (found.types.has(name)) throw new Error(`family ${name} is declared twice`)
  found.types.set(name, type)
  found.family = name
}

function append(sample: Sample, { types, series, family }: Found): void {
  if (!belongs(sample.name, family, types)) throw new Error(`${sample.name} stands outside its family`)
  const id = seriesId(sample.name, sample.labels)
  if (series.has(id)) throw new Error(`the series ${id} comes twice`)
  series.set(id, sample)
}

function belongs(name: string, family: string, types: ReadonlyMap<string, string>): boolean {
  return (suffixes[types.get(family) ?? ''] ?? ['']).some((suffix) => name === family + suffix)
}

function seriesId(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

function parseSample(line: string): Sample {
  const match = sampleLine.exec(line)
  if (match === null) throw new Error(`not a sample: ${line}`)
  const [, name = '', labels = '', value = ''] = match
  return { name, labels: parseLabels(labels), value: parseValue(value) }
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity
  if (text === '-Inf') return -Infinity
  // Scrapers read numbers with Go's parser, which takes any case; prom-client writes Nan.
  if (/^nan$/i.test(text)) return NaN
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new Error(`not a value: ${text}`)
  return Number(text)
}

function parseLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  let at = 0
  while (at < text.length) {
    labelPair.lastIndex = at
    const match = labelPair.exec(text)
    if (match === null) throw new Error(`not labels: ${text}`)
    const [, name = '', value = ''] = match
    if (name in labels) throw new Error(`the label ${name} comes twice`)
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    at = labelPair.lastIndex
  }
  return labels
}
