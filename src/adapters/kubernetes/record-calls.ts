import { type Failure, failure } from '../../domain/failures.ts'
import type { RecordSubject } from '../../ports/refresh-records.ts'
import type { ProblemCodes } from './classify.ts'
import { recordText } from './record-secret.ts'

/** Milliseconds for one call: what would be told later than this nobody waits for any more. */
export const recordTimeoutMs = 10_000

/** Milliseconds for a list of all records, page after page. */
export const listTimeoutMs = 60_000

export const recordCodes: ProblemCodes = {
  forbidden: 'KUBERNETES_FORBIDDEN',
  refused: 'REFRESH_RECORD_UNAVAILABLE',
  unavailable: 'REFRESH_RECORD_UNAVAILABLE',
  conflict: 'REFRESH_RECORD_CONFLICT',
}

export function secretsPath(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`
}

/** `problem`: a clause that follows the record's name. */
export function damagedRecord(namespace: string, subject: RecordSubject, problem: string): Failure {
  const help =
    'Restore it from a backup, or undo what was done to it. If neither is possible, make sure that the store holds a refresh token that works, then delete this Secret.'
  return failure('REFRESH_RECORD_DAMAGED', `${recordText(namespace, subject)} ${problem}. ${help}`)
}
