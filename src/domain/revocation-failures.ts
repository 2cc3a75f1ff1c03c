import type { FailureKind } from './failure-kind.ts'

/** What is told of an access token that was to end with its credential. */
export const revocationFailures = {
  ACCESS_TOKEN_NOT_REVOKED: {
    next: 'stall',
    reason: 'RevocationFailed',
    remedy:
      'Its credential is gone and nothing is tried again: the token ends by itself, or somebody revokes it at the server.',
  },
} as const satisfies Record<string, FailureKind>
