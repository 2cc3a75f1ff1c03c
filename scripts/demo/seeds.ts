/** A document with a refresh token, as a person's own tools leave it after a login. */
export interface Seed {
  /** Name of the file: `refreshToken.key` of the credential that uses it. */
  readonly file: string
  readonly document: object
  /** JSON pointers of the fields that speak of the tokens; every other field must survive. */
  readonly tokenFields: readonly string[]
}

/** What a login left an hour ago. */
export interface Login {
  readonly refreshToken: string
  readonly issuedAtSeconds: number
  readonly scopes: readonly string[]
}

/** No access token is worth anything an hour after the login, so that the demo begins where a human has left off. */
const expiredToken = 'expired'
const lifetimeSeconds = 3600

/** The credentials file of Claude Code, with logins at other servers beside its own. */
export function claudeCodeSeed({ refreshToken, issuedAtSeconds, scopes }: Login): Seed {
  const own = ['accessToken', 'refreshToken', 'expiresAt', 'scopes']
  return {
    file: 'agent.json',
    tokenFields: own.map((name) => `/claudeAiOauth/${name}`),
    document: {
      claudeAiOauth: {
        accessToken: expiredToken,
        refreshToken,
        expiresAt: (issuedAtSeconds + lifetimeSeconds) * 1000,
        scopes,
        subscriptionType: 'team',
        rateLimitTier: 'default',
      },
      mcpOAuth: {
        'tracker|8d1f': { serverName: 'tracker', clientId: 'abc', accessToken: 'of another server', expiresAt: 0 },
      },
      organizationUuid: '4f0c9a1e-6a57-4a7e-9d5b-2f1f3f6f8f10',
    },
  }
}

/** The token file of VibeKit, with notes that somebody has added. */
export function vibekitSeed({ refreshToken, issuedAtSeconds, scopes }: Login): Seed {
  const own = ['access_token', 'token_type', 'expires_in', 'refresh_token', 'scope', 'created_at']
  return {
    file: 'app.json',
    tokenFields: own.map((name) => `/${name}`),
    document: {
      access_token: expiredToken,
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
      refresh_token: refreshToken,
      scope: scopes.join(' '),
      created_at: issuedAtSeconds * 1000,
      account: { email: 'app@example.com', id: 1_234_567_890_123_456 },
      note: 'Logged in by hand; ask the platform team before you log in again.',
    },
  }
}
