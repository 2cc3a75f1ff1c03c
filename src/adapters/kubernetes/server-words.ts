import type { Sensitive } from '../../domain/sensitive.ts'
import type { KubeError } from './kube-client.ts'

/** So many characters in a row that also stand in the data are a quotation. */
const quotation = 16

/**
 * What the API server said, as the end of a sentence without its full stop.
 *
 * Admission policies and webhooks may put the object they refuse into their message. A message that
 * quotes confidential content, plain or base64, is withheld and only the reason is told.
 */
export function serverWords(error: KubeError, confidential: readonly Sensitive[]): string {
  const message = error.message
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .replace(/\.+$/, '')
  if (message === '') return error.reason
  if (!quotesAny(message, confidential)) return message
  return `${error.reason} (its message quotes the data and is withheld)`
}

function quotesAny(message: string, confidential: readonly Sensitive[]): boolean {
  if (confidential.length === 0) return false
  const texts = confidential.flatMap((value) => [value.reveal(), Buffer.from(value.reveal()).toString('base64')])
  for (let start = 0; start + quotation <= message.length; start += 1) {
    const piece = message.slice(start, start + quotation)
    if (texts.some((text) => text.includes(piece))) return true
  }
  return false
}
