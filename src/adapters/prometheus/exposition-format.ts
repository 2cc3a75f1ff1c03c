/** The text exposition format 0.0.4, or OpenMetrics 1.0. */
export type ExpositionFormat = 'text' | 'openmetrics'

/** As they are sent. @see https://prometheus.io/docs/instrumenting/content_negotiation/ */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** What one part of an Accept header would take, and how gladly. */
interface Wish {
  readonly media: string
  readonly version: string | undefined
  readonly weight: number
}

/**
 * What an Accept header wants most of what there is. OpenMetrics is answered only to who names it: `*` of a browser or
 * of curl gets the text format. @see RFC 9110 §12.5.1
 */
export function formatFor(accept = ''): ExpositionFormat {
  const wishes = accept.slice(0, longestAccept).toLowerCase().split(',').map(wishOf)
  const openMetrics = weightOf(wishes, ({ media, version }) => {
    return media === 'application/openmetrics-text' && (version === undefined || version === '1.0.0')
  })
  const text = weightOf(wishes, ({ media, version }) => {
    return media === 'text/plain' && (version === undefined || version === '0.0.4')
  })
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'text'
}

/** Characters; scrapers send a fifth of it. */
const longestAccept = 1024

function weightOf(wishes: readonly Wish[], isMeant: (wish: Wish) => boolean): number {
  return Math.max(0, ...wishes.filter(isMeant).map(({ weight }) => weight))
}

function wishOf(part: string): Wish {
  const [media = '', ...parameters] = part.split(';').map((each) => each.trim())
  const valueOf = (name: string): string | undefined =>
    parameters.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1)
  const weight = Number(valueOf('q') ?? 1)
  return { media, version: valueOf('version'), weight: weight >= 0 && weight <= 1 ? weight : 0 }
}
