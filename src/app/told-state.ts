import type { CredentialState } from '../domain/credential-state.ts'

type SameNumber = (known: number, told: number) => boolean

/** True when a status says what is known. It keeps whole seconds, rounded down. */
export function isAsTold(known: CredentialState, told: CredentialState): boolean {
  return isSame(known, told, (one, other) => Math.floor(one) === Math.floor(other))
}

/** True when both say the same, to the fraction of a second. */
export function isSameState(one: CredentialState, other: CredentialState): boolean {
  return isSame(one, other, (before, after) => before === after)
}

function isSame(known: unknown, told: unknown, isSameNumber: SameNumber): boolean {
  if (known === told) return true
  if (typeof known === 'number' && typeof told === 'number') return isSameNumber(known, told)
  if (!isObject(known) || !isObject(told)) return false
  const names = Object.keys(known)
  if (names.length !== Object.keys(told).length) return false
  for (const name of names) if (!isSame(known[name], told[name], isSameNumber)) return false
  return true
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
