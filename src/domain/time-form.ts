import { daysSinceEpoch } from './http-date.ts'
import { type EpochSeconds, epochSeconds } from './time.ts'
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

/**
 * The moment that a text says: seconds or milliseconds since the epoch, told apart by size, or RFC 3339; without an
 * offset it is UTC. Undefined for anything else, and for 0, which says that there is none.
 */
export function momentOf(written: string): EpochSeconds | undefined {
  if (rfc3339.test(written)) return rfc3339Moment(written)
  if (!isNumber(written)) return undefined
  const size = Number(written)
  if (size === 0 || size >= firstMicroseconds) return undefined
  return epochSeconds(size >= firstMilliseconds ? size / 1000 : size)
}

/** A length of time in seconds, as a field has it that counts them. */
export function durationOf(written: string): number | undefined {
  return isNumber(written) ? Number(written) : undefined
}

function rfc3339Moment(written: string): EpochSeconds {
  const [year = 0, month = 1, day = 1] = written.slice(0, 10).split('-').map(Number)
  const secondOfDay = secondsOf(written.slice(11, 19))
  const offset = /[+-]\d\d:\d\d$/.exec(written)?.[0]
  const ahead = offset === undefined ? 0 : secondsOf(offset.slice(1)) * (offset.startsWith('-') ? -1 : 1)
  return epochSeconds(daysSinceEpoch(year, month, day) * 86_400 + secondOfDay - ahead)
}

/** Of `hh:mm` or `hh:mm:ss`. */
function secondsOf(clock: string): number {
  const [hour = 0, minute = 0, second = 0] = clock.split(':').map(Number)
  return hour * 3600 + minute * 60 + second
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
