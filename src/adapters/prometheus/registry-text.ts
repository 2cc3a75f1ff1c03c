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

/** How many series are rendered before other work of the process gets a turn: less than a millisecond. */
const seriesPerTurn = 200

/**
 * Renders what the library has counted, metric by metric: each as it is when its turn comes. Not by the library itself:
 * it puts the whole page together at once, renames counters for good once it has rendered them as OpenMetrics, and
 * writes limits of buckets and sums there that strict readers refuse.
 */
export async function* renderRegistry(
  registry: Registry<OpenMetricsContentType>,
  format: ExpositionFormat,
): AsyncGenerator<string> {
  for (const { name, help, type } of registry.getMetricsAsArray()) {
    const values = await registry.getSingleMetric(name)?.get()
    if (values !== undefined) yield* familyTexts({ ...values, name, help, type }, format)
  }
}

function* familyTexts({ name, help, type, values }: Measured, format: ExpositionFormat): Generator<string> {
  const kept = format === 'openmetrics' ? values.filter(withoutSums(values)) : values
  let text = headerText({ name, help, type: String(type) }, format)
  let series = 0
  for (const { metricName = name, labels, value, exemplar } of kept) {
    const shown = format === 'openmetrics' ? exemplarText(exemplar) : ''
    text += sampleText(metricName, labelsText(labels, format), value, shown)
    series += 1
    if (series % seriesPerTurn > 0) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
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
