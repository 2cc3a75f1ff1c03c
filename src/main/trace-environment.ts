import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { createSecureContext } from 'node:tls'

export type Environment = Readonly<Record<string, string | undefined>>

/** What a variable says that cannot be had. Never with its content, which may be a login. */
export interface TraceProblem {
  readonly message: string
  /** Of the system, for a file that cannot be read. */
  readonly code?: string
  /** True when no trace can be sent because of it. */
  readonly isFatal?: true
}

const prefix = 'OTEL_EXPORTER_OTLP_'
const isPositive = (text: string): boolean => Number(text) > 0 && Number(text) < Infinity
const isCount = (text: string): boolean => /^[1-9]\d{0,8}$/.test(text)
const isShare = (text: string): boolean => Number(text) >= 0 && Number(text) <= 1

/** The library leaves these out without a word when they are no good. */
const checks: readonly (readonly [names: readonly string[], isGood: (text: string) => boolean, remedy: string])[] = [
  [both('TIMEOUT'), isPositive, 'is no number of milliseconds above 0: the default of 10 s holds'],
  [both('COMPRESSION'), (text) => /^(none|gzip)$/.test(text), 'is neither gzip nor none: nothing is compressed'],
  [both('HEADERS'), areHeaders, 'is not name=value,…, percent-encoded: headers may be missing'],
  [['OTEL_RESOURCE_ATTRIBUTES'], arePairs, 'is not name=value,…, percent-encoded: attributes may be missing'],
  [['OTEL_BSP_MAX_QUEUE_SIZE'], isCount, 'is no whole number above 0: 2048 spans wait at most'],
  [['OTEL_BSP_SCHEDULE_DELAY'], isCount, 'is no whole number of milliseconds above 0: spans are sent every 5 s'],
  [['OTEL_TRACES_SAMPLER_ARG'], isShare, 'is no share between 0 and 1: all traces are kept'],
]

/** What is wrong with the variables that the exporter reads, for an environment in which somebody wants traces. */
export function traceProblems(environment: Environment): readonly TraceProblem[] {
  const told = checks.flatMap(([names, isGood, remedy]) =>
    names
      .filter((name) => wordIn(environment, name) !== '' && !isGood(wordIn(environment, name)))
      .map((name) => ({ message: `${name} ${remedy}.` })),
  )
  return [...told, ...fileProblems(environment)]
}

export function wordIn(environment: Environment, name: string): string {
  return (environment[name] ?? '').trim()
}

function both(name: string): readonly string[] {
  return [`${prefix}TRACES_${name}`, `${prefix}${name}`]
}

/** What cannot be read, or is no certificate, would fail each request, and one of them perhaps the process. */
function fileProblems(environment: Environment): readonly TraceProblem[] {
  const files = (['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'] as const).map((kind) => {
    const name = both(kind).find((each) => wordIn(environment, each) !== '')
    return name === undefined ? undefined : { kind, name, ...contentOf(wordIn(environment, name)) }
  })
  const named = files.filter((file) => file !== undefined)
  const unread = named.filter(({ content }) => content === undefined)
  if (unread.length > 0) {
    return unread.map(({ name, code }) => ({
      message: `${name} names a file that cannot be read: no traces are sent.`,
      isFatal: true,
      ...(code !== undefined && { code }),
    }))
  }
  const [ca, cert, key] = files.map((file) => file?.content)
  if (isUsable({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })) return []
  const names = named.map(({ name }) => name).join(', ')
  return [{ message: `${names} name no PEM that can be used: no traces are sent.`, isFatal: true }]
}

function contentOf(path: string): { readonly content?: string; readonly code?: string } {
  try {
    return { content: readFileSync(path, 'utf8') }
  } catch (error) {
    return error instanceof Error && 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  }
}

function isUsable(files: { readonly ca?: string; readonly cert?: string; readonly key?: string }): boolean {
  if ((files.cert === undefined) !== (files.key === undefined)) return false
  try {
    // A context takes what has no certificate in it for an empty list, and then nobody is trusted.
    if (files.ca !== undefined) new X509Certificate(files.ca)
    createSecureContext(files)
    return true
  } catch {
    return false
  }
}

function pairsIn(text: string): readonly (readonly [string, string])[] | undefined {
  try {
    const parts = text.split(',').filter((part) => part.trim() !== '')
    return parts.map((part) => {
      const at = part.indexOf('=')
      if (at < 1) throw new URIError('no pair')
      return [decodeURIComponent(part.slice(0, at).trim()), decodeURIComponent(part.slice(at + 1).trim())] as const
    })
  } catch {
    return undefined
  }
}

function arePairs(text: string): boolean {
  return pairsIn(text) !== undefined
}

function areHeaders(text: string): boolean {
  const pairs = pairsIn(text)
  if (pairs === undefined) return false
  try {
    for (const [name, value] of pairs) {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    }
    return true
  } catch {
    return false
  }
}
