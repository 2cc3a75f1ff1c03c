import { type DurationSeconds, seconds } from './time.ts'

const secondsPerUnit: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6, // U+00B5 micro sign
  μs: 1e-6, // U+03BC Greek letter mu
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
}

const number = String.raw`(?:\d+(?:\.\d*)?|\.\d+)`
const unit = '(?:ns|us|µs|μs|ms|s|m|h)'
const duration = new RegExp(`^([+-]?)(0|(?:${number}${unit})+)$`)
const part = new RegExp(`(${number})(${unit})`, 'g')

/** Go counts nanoseconds in 63 bits. */
const longestSeconds = (2 ** 63 - 1) / 1e9

/**
 * Reads a duration as Go writes it: `90s`, `1h30m`, `1.5h`, `-5m`, `0`.
 * Undefined when the text is none, or longer than Go can hold (about 292 years).
 *
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(text: string): DurationSeconds | undefined {
  const [, sign, parts] = duration.exec(text) ?? []
  if (parts === undefined) return undefined
  let total = 0
  for (const [, amount, name] of parts.matchAll(part)) {
    total += Number(amount) * (secondsPerUnit[name ?? ''] ?? 0)
  }
  if (total > longestSeconds) return undefined
  return seconds(sign === '-' && total > 0 ? -total : total)
}
