import { Sensitive } from '../../domain/sensitive.ts'

/** What a field may hold once it is in a line. */
export type SafeValue = string | number | boolean | undefined

/** Longer texts are not messages of ours. */
const longestText = 4_096

const errorName = /^[A-Za-z][A-Za-z0-9]{0,63}$/
/** As Node and its libraries write them: ECONNREFUSED, ERR_TLS_CERT_ALTNAME_INVALID. */
const errorCode = /^[A-Z][A-Z0-9_]{0,63}$/

/**
 * What may be printed of a value, whatever the types said.
 *
 * Structures are not walked, because a token can sit anywhere in them. Of an error only name and
 * code are kept: messages and causes of errors that others throw quote requests, answers and headers.
 */
export function safeValue(value: unknown): SafeValue {
  switch (typeof value) {
    case 'string':
      return value.length > longestText ? `${value.slice(0, longestText)}…` : value
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    case 'bigint':
      return value.toString()
    default:
      return safeObject(value)
  }
}

function safeObject(value: unknown): string {
  if (value instanceof Sensitive) return '[redacted]'
  if (value instanceof Error) return errorText(value)
  return value === null ? 'null' : `[${typeof value}]`
}

function errorText(error: Error & { readonly code?: unknown }): string {
  const name = errorName.test(error.name) ? error.name : 'Error'
  const { code } = error
  const known = Number.isSafeInteger(code) || (typeof code === 'string' && errorCode.test(code))
  return known ? `${name} ${String(code)}` : name
}
