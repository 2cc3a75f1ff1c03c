import type { Credential, CredentialKey } from '../domain/credential.ts'
import { intentOn } from '../domain/refresh-record.ts'
import { ok, type Result } from '../domain/result.ts'
import type { EngineDeps } from './deps.ts'
import { readRecord } from './execute-record.ts'

/**
 * Another credential at the same place whose record knows this token: whoever has used it up, or may be at it, owns
 * it, and of the first one there it is enough that the token is its newest, whatever its status says. Not every
 * document can bear a claim, and the memory of a process is not that of the one before.
 *
 * Asked once more when one's own intent stands: of two that ask at the same time, at least one finds the other's.
 *
 * Failures: those of reading a record. What cannot be found out is asked again before anything is sent.
 */
export async function neighbourAt(
  credential: Credential,
  fingerprint: string,
  deps: EngineDeps,
): Promise<Result<CredentialKey | undefined>> {
  const first = deps.resources.firstAt(credential)
  for (const neighbour of deps.resources.othersAt(credential)) {
    const read = await readRecord(neighbour, undefined, deps)
    if (!read.ok) return read
    const { retained, spent } = read.value
    const isNewest = neighbour === first && retained?.fingerprint === fingerprint
    const mayBeUsed = spent.includes(fingerprint) || intentOn(read.value, fingerprint) !== undefined
    if (isNewest || mayBeUsed) return ok(neighbour.key)
  }
  return ok(undefined)
}
