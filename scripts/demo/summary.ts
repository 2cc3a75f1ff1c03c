import type { Verification } from './verification.ts'

/** The last line of the demo: what was counted, and whether all of it is so. */
export function summaryLine(found: Verification, elapsedSeconds: number): string {
  const { refreshes, rotations, reuses, keptFields, activeTokens, problems } = found
  const figures = [
    `${Math.round(elapsedSeconds)} s`,
    `${refreshes} refreshes`,
    `${rotations} rotated refresh tokens written back`,
    `${reuses} refresh tokens used twice`,
    `${keptFields} other fields of the documents kept`,
    `${activeTokens} access tokens active`,
  ].join(', ')
  if (problems.length > 0) return `Demo FAILED: ${problems.join('; ')} (${figures}).`
  return `Demo OK: ${figures}; every document holds the newest refresh token; no token was printed.`
}
