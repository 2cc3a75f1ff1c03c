import { timeText } from '../domain/time-text.ts'
import { type EpochSeconds, epochSeconds } from '../domain/time.ts'

/** 9999-12-31T23:59:59Z: RFC 3339 has four digits for the year. */
const lastSecond = 253_402_300_799

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** RFC 3339 in UTC, whole seconds, rounded down: an expiry is never told later than it is. */
export function encodeTime(time: EpochSeconds): string {
  return timeText(epochSeconds(Math.min(Math.max(Math.floor(time), 0), lastSecond)))
}

/** Undefined for everything that is not an RFC 3339 time from 1970 on. */
export function decodeTime(text: unknown): EpochSeconds | undefined {
  if (typeof text !== 'string' || !rfc3339.test(text)) return undefined
  const seconds = Date.parse(text.toUpperCase()) / 1000
  return seconds >= 0 && seconds <= lastSecond ? epochSeconds(seconds) : undefined
}
