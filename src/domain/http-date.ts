import { epochSeconds, type EpochSeconds } from './time.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

// The three forms that a recipient has to understand (RFC 9110 §5.6.7). Every quantifier is bounded.
const imfFixdate = /^\w{3}, (?<day>\d{2}) (?<month>\w{3}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/
const rfc850Date = /^\w{6,9}, (?<day>\d{2})-(?<month>\w{3})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/
const asctimeDate = /^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/

/** Reads an HTTP-date; undefined when it is none. Two-digit years mean 1970 to 2069. */
export function parseHttpDate(text: string): EpochSeconds | undefined {
  const form = [imfFixdate, rfc850Date, asctimeDate].find((pattern) => pattern.test(text))
  const { day, month, year, time } = (form?.exec(text)?.groups ?? {}) as Partial<DateParts>
  if (day === undefined || month === undefined || year === undefined || time === undefined) return undefined
  const monthIndex = months.indexOf(month)
  const secondOfDay = secondsOfDay(time)
  if (monthIndex < 0 || secondOfDay === undefined) return undefined
  return epochSeconds(daysSinceEpoch(fullYear(year), monthIndex + 1, Number(day)) * 86_400 + secondOfDay)
}

interface DateParts {
  readonly day: string
  readonly month: string
  readonly year: string
  readonly time: string
}

/** Sixty seconds are a leap second. */
function secondsOfDay(time: string): number | undefined {
  const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number)
  return hour > 23 || minute > 59 || second > 60 ? undefined : hour * 3600 + minute * 60 + second
}

function fullYear(text: string): number {
  const year = Number(text)
  if (text.length === 4) return year
  return year < 70 ? 2000 + year : 1900 + year
}

/** Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that a leap day is the last. */
export function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return marchYear * 365 + leapDays + dayOfYear - 719_468
}
