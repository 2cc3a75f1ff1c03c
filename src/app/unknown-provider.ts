/** What an answer is read against when its provider is gone: the refresh token is kept all the same. */
export const unknownProvider = {
  kind: 'OAuthProvider',
  name: '',
  accessTokenLifetimeSeconds: 60,
  response: { errors: [] },
} as const
