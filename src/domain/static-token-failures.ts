import type { FailureKind } from './failure-kind.ts'

/** The part of the failure registry that is about access tokens which somebody else keeps. */
export const staticTokenFailures = {
  STATIC_TOKEN_MISSING: {
    next: 'stall',
    reason: 'StaticTokenMissing',
    remedy: 'Put the access token there; it is looked for all the time.',
  },
  STATIC_TOKEN_MALFORMED: {
    next: 'stall',
    reason: 'StaticTokenInvalid',
    remedy: 'Put a document of a known shape there, or say with spec.accessToken.property where the token is.',
  },
  STATIC_TOKEN_EXPIRED: {
    next: 'stall',
    reason: 'StaticTokenExpired',
    remedy: 'Get a new token and put it in its place in the store, with its expiry; it is published by itself.',
  },
} as const satisfies Record<string, FailureKind>
