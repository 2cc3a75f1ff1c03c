import type { ProblemCodes } from './classify.ts'

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
