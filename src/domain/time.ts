declare const unit: unique symbol

/** Seconds since 1970-01-01T00:00:00Z; may carry a fraction. */
export type EpochSeconds = number & { readonly [unit]: 'EpochSeconds' }

/** A length of time in seconds; may carry a fraction. */
export type DurationSeconds = number & { readonly [unit]: 'DurationSeconds' }

export function epochSeconds(value: number): EpochSeconds {
  return value as EpochSeconds
}

export function seconds(value: number): DurationSeconds {
  return value as DurationSeconds
}

/** The last second that RFC 3339 can say: the expiry of what has none. @see RFC 5280 §4.1.2.5, which means the same by it */
export const endOfTime = 253_402_300_799 as EpochSeconds

export function minutes(value: number): DurationSeconds {
  return (value * 60) as DurationSeconds
}

export function later(time: EpochSeconds, by: DurationSeconds): EpochSeconds {
  return (time + by) as EpochSeconds
}

export function sooner(time: EpochSeconds, by: DurationSeconds): EpochSeconds {
  return (time - by) as EpochSeconds
}

/** Seconds from `from` to `to`; negative when `to` lies before `from`. */
export function secondsBetween(from: EpochSeconds, to: EpochSeconds): DurationSeconds {
  return (to - from) as DurationSeconds
}

export function earliest(first: EpochSeconds, ...rest: readonly EpochSeconds[]): EpochSeconds {
  return Math.min(first, ...rest) as EpochSeconds
}

export function latest(first: EpochSeconds, ...rest: readonly EpochSeconds[]): EpochSeconds {
  return Math.max(first, ...rest) as EpochSeconds
}
