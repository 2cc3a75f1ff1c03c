const markLength = 8

/**
 * What a status has of a fingerprint of a refresh token: enough to tell the few tokens of one credential apart, and of
 * no use to find out what the token is. Statuses are read by many.
 */
export function tokenMark(fingerprint: string): string {
  return fingerprint.slice(-markLength)
}
