import { setImmediate } from 'node:timers/promises'
import type { OpenMetricsContentType, Registry } from 'prom-client'
import type { ExpositionFormat } from './exposition-format.ts'
import { headerText, labelText, numberText, sampleText } from './text-format.ts'

/** Of the library, as it gives them. */
interface Measured {
  readonly name: string
  readonly help: string
  readonly type: unknown
  readonly values: readonly MeasuredValue[]
}

interface MeasuredValue {
  readonly metricName?: string
  readonly labels: Readonly<Partial<Record<string, string | number>>>
  readonly value: number
  readonly exemplar?: MeasuredExemplar | null
}

interface MeasuredExemplar {
  readonly labelSet: Readonly<Record<string, string>>
  readonly value: number
  /** Unix time in seconds. */
  readonly timestamp?: number
}

/** How many series are rendered before other work of the process gets a turn. */
const seriesPerTurn = 2000

/**
 * Renders what the library has counted. Not by the library itself: it renames counters for good once it has rendered
 * them as OpenMetrics, and writes limits of buckets and sums there that strict readers refuse. Yields in between.
 */
export async function renderRegistry(
  registry: Registry<OpenMetricsContentType>,
  format: ExpositionFormat,
): Promise<readonly Buffer[]> {
  const parts: Buffer[] = []
  let series = 0
  for (const { name, help, type } of registry.getMetricsAsArray()) {
    const values = await registry.getSingleMetric(name)?.get()
    if (values === undefined) continue
    const measured: Measured = { ...values, name, help, type }
    parts.push(Buffer.from(familyText(measured, format)))
    series += measured.values.length
    if (series < seriesPerTurn) continue
    series = 0
    await setImmediate()
  }
  return parts
}

function familyText({ name, help, type, values }: Measured, format: ExpositionFormat): string {
  const header = headerText({ name, help, type: String(type) }, format)
  const kept = format === 'openmetrics' ? values.filter(withoutSums(values)) : values
  const samples = kept.map(({ metricName = name, labels, value, exemplar }) =>
    sampleText(metricName, labelsText(labels, format), value, format === 'openmetrics' ? exemplarText(exemplar) : ''),
  )
  return `${header}${samples.join('')}`
}

/** A histogram that counts values below zero has no sum that only grows, and so neither sum nor count. @see OpenMetrics 1.0, Histogram */
function withoutSums(values: readonly MeasuredValue[]): (value: MeasuredValue) => boolean {
  const isSigned = values.some(({ labels }) => Number(labels['le']) < 0)
  return ({ metricName }) => !isSigned || metricName?.endsWith('_bucket') === true
}

function labelsText(labels: MeasuredValue['labels'], format: ExpositionFormat): string {
  return Object.entries(labels)
    .map(([name, value = '']) => labelText(name, name === 'le' ? limitText(value, format) : String(value)))
    .join(',')
}

/** OpenMetrics writes the limit of a bucket as a float: `1.0`. */
function limitText(limit: string | number, format: ExpositionFormat): string {
  if (typeof limit === 'string') return limit
  return format === 'openmetrics' && Number.isInteger(limit) ? `${limit}.0` : numberText(limit)
}

function exemplarText(exemplar: MeasuredExemplar | null | undefined): string {
  if (exemplar === null || exemplar === undefined) return ''
  const { labelSet, value, timestamp } = exemplar
  const labels = Object.entries(labelSet).map(([name, label]) => labelText(name, label))
  return ` # {${labels.join(',')}} ${numberText(value)}${timestamp === undefined ? '' : ` ${timestamp}`}`
}
