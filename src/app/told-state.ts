import type { CredentialState } from '../domain/credential-state.ts'

/** True when a status says what is known. It keeps whole seconds, rounded down. */
export function isAsTold(known: CredentialState, told: CredentialState): boolean {
  return isSame(known, told)
}

function isSame(known: unknown, told: unknown): boolean {
  if (typeof known === 'number' && typeof told === 'number') return Math.floor(known) === Math.floor(told)
  if (!isObject(known) || !isObject(told)) return known === told
  const names = Object.keys(known)
  return names.length === Object.keys(told).length && names.every((name) => isSame(known[name], told[name]))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
