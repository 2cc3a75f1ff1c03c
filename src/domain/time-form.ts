import type { EpochSeconds } from './time.ts'
import { timeText } from './time-text.ts'

/** No moment in seconds from here on is of this era (year 5138), and none in milliseconds before it is (1973). */
const firstMilliseconds = 1e11
const firstMicroseconds = 1e14
/** 10000-01-01T00:00:00Z, which RFC 3339 cannot say. */
const endOfFourDigitYears = 253_402_300_800

const rfc3339 = /^\d{4}-\d\d-\d\d([Tt ])\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d|)$/

/**
 * A moment in the form that `written` has: seconds or milliseconds since the epoch, told apart by
 * size, or RFC 3339 with the same separator, number of decimals and way to say UTC. Whole seconds,
 * rounded down. Undefined when the form is not known, or the moment does not fit it.
 *
 * `zeroIsMs` says which unit a 0 stands for.
 */
export function momentLike(written: string, moment: EpochSeconds, zeroIsMs: boolean): string | undefined {
  const form = rfc3339.exec(written)
  if (form !== null) return rfc3339Like(form, moment)
  if (!isNumber(written)) return undefined
  const size = Number(written)
  if (size >= firstMicroseconds) return undefined
  const inMs = size >= firstMilliseconds || (size === 0 && zeroIsMs)
  return wholeNumber(inMs ? moment * 1000 : moment)
}

/** A number of whole seconds, for a field that has a number. */
export function durationLike(written: string, lengthSeconds: number): string | undefined {
  return isNumber(written) ? wholeNumber(lengthSeconds) : undefined
}

function isNumber(written: string): boolean {
  return /^\d{1,20}(?:\.\d{1,20})?(?:[eE]\+?\d{1,2})?$/.test(written)
}

function wholeNumber(value: number): string | undefined {
  const whole = Math.floor(value)
  return Number.isSafeInteger(whole) ? String(whole) : undefined
}

function rfc3339Like(form: readonly (string | undefined)[], moment: EpochSeconds): string | undefined {
  if (!(moment >= 0 && moment < endOfFourDigitYears)) return undefined
  const [, separator = 'T', decimals = '', zone = ''] = form
  const [date, time] = timeText(moment).slice(0, -1).split('T')
  const utc = /^[+-](?!00:00)/.test(zone) ? 'Z' : zone
  return `${date}${separator}${time}${decimals.replaceAll(/\d/g, '0')}${utc}`
}
