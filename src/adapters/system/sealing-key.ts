import { randomBytes } from 'node:crypto'
import { Sensitive } from '../../domain/sensitive.ts'

/** A new key for AES-256: 32 random bytes, base64. */
export function newSealingKey(): Sensitive {
  return new Sensitive(randomBytes(32).toString('base64'))
}
