import type { Credential } from '../domain/credential.ts'
import { stableHash } from '../domain/stable-fraction.ts'
import type { Deps } from './deps.ts'

/** Which refresh token, and where, a look was about: what it has found holds for no other one, and at no other place. */
export function lookMark(fingerprint: string, credential: Credential, { resources }: Pick<Deps, 'resources'>): string {
  return `${fingerprint} ${stableHash(resources.placeOf(credential) ?? '')}`
}
