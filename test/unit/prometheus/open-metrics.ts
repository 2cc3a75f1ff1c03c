/** One sample of an OpenMetrics exposition. */
export interface OpenMetricsSample {
  readonly name: string
  readonly labels: string
  readonly value: string
  /** As it stands behind the `#`. */
  readonly exemplar: string | undefined
}

export interface OpenMetricsFamily {
  readonly type: string
  readonly help: string | undefined
  readonly unit: string | undefined
  readonly samples: readonly OpenMetricsSample[]
}

interface Found {
  type: string
  help: string | undefined
  unit: string | undefined
  readonly samples: OpenMetricsSample[]
}

const metadata = /^# (TYPE|HELP|UNIT) (\S+) (.*)$/
const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*?)\})? (\S+)(?: # (\{.*\} \S+(?: \S+)?))?$/
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
}

/** Parses OpenMetrics 1.0 and refuses what it forbids, as far as our metrics could break it. */
export function parseOpenMetrics(text: string): ReadonlyMap<string, OpenMetricsFamily> {
  if (!text.endsWith('\n# EOF\n')) throw new Error('there is no EOF')
  const families = new Map<string, Found>()
  let current = ''
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const described = describe(line, current, families)
    if (described === undefined) add(families.get(current), current, line)
    else current = described
  }
  for (const [name, family] of families) check(name, family)
  return families
}

/** The family that a line is about; undefined for a sample. */
function describe(line: string, current: string, families: Map<string, Found>): string | undefined {
  const match = metadata.exec(line)
  if (match === null) return undefined
  const [, keyword = '', name = '', rest = ''] = match
  if (name !== current && families.has(name)) throw new Error(`${name} stands in two places`)
  families.set(name, { ...(families.get(name) ?? newFamily()), [keyword.toLowerCase()]: rest })
  return name
}

function newFamily(): Found {
  return { type: 'unknown', help: undefined, unit: undefined, samples: [] }
}

function add(family: Found | undefined, name: string, line: string): void {
  const match = sampleLine.exec(line)
  if (family === undefined || match === null) throw new Error(`not a sample: ${line}`)
  const [, sample = '', labels = '', value = '', exemplar] = match
  if (!(suffixes[family.type] ?? []).some((suffix) => sample === name + suffix)) {
    throw new Error(`${sample} is no sample of the ${family.type} ${name}`)
  }
  family.samples.push({ name: sample, labels, value, exemplar })
}

function check(name: string, { type, unit, samples }: Found): void {
  if (type === 'counter' && name.endsWith('_total')) throw new Error(`the family ${name} has a suffix`)
  if (unit !== undefined && !name.endsWith(`_${unit}`)) throw new Error(`${name} does not end with ${unit}`)
  if (samples.some(({ name: sample, exemplar }) => exemplar !== undefined && !/_(bucket|total)$/.test(sample))) {
    throw new Error(`${name} has an exemplar in the wrong place`)
  }
  if (type === 'histogram') checkHistogram(name, samples)
}

function checkHistogram(name: string, samples: readonly OpenMetricsSample[]): void {
  const limits = samples.flatMap(({ labels }) => /le="([^"]*)"/.exec(labels)?.[1] ?? [])
  const odd = limits.find((limit) => limit !== '+Inf' && !/^-?\d+\.\d+$/.test(limit))
  if (odd !== undefined) throw new Error(`${name} has the limit ${odd}, which is no float`)
  const isSigned = limits.some((limit) => limit.startsWith('-'))
  const hasSums = samples.some(({ name: sample }) => /_(sum|count)$/.test(sample))
  if (isSigned && hasSums) throw new Error(`${name} has a sum that may fall`)
}
