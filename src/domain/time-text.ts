import type { EpochSeconds } from './time.ts'

/**
 * RFC 3339 in UTC, whole seconds. Written out because the domain has no `Date`.
 * Days to calendar date: era of 400 years, counted from March so that the leap day comes last.
 */
export function timeText(time: EpochSeconds): string {
  const whole = Math.floor(time)
  const days = Math.floor(whole / 86_400)
  const { year, month, day } = calendarDate(days)
  const rest = whole - days * 86_400
  const clock = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60), rest % 60].map(twoDigits).join(':')
  return `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}T${clock}Z`
}

function calendarDate(daysSinceEpoch: number): { year: number; month: number; day: number } {
  const shifted = daysSinceEpoch + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
