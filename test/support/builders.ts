import type {
  ClientCredentialsSpec,
  Credential,
  RefreshPolicy,
  RefreshTokenSpec,
  StaticTokenSpec,
} from '../../src/domain/credential.ts'
import { type CredentialState, noState } from '../../src/domain/credential-state.ts'
import type { Observed } from '../../src/domain/observed.ts'
import type { Provider, Rotation } from '../../src/domain/provider.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import type { TokenStore } from '../../src/domain/token-store.ts'
import type { AccessToken, StoredRefreshToken } from '../../src/domain/tokens.ts'
import { canary } from './canary.ts'

/** The time at which every table test stands, unless it says otherwise. */
export const noon = epochSeconds(1_800_000_000)

export function inSeconds(seconds: number): EpochSeconds {
  return epochSeconds(noon + seconds)
}

export type CredentialChanges = Partial<Omit<Credential, 'spec'>> & { readonly spec?: Partial<RefreshTokenSpec> }

export function aCredential(changes: CredentialChanges = {}): Credential & { readonly spec: RefreshTokenSpec } {
  const spec: RefreshTokenSpec = {
    grant: 'RefreshToken',
    provider: { kind: 'OAuthProvider', name: 'gateway' },
    refreshToken: { store: { kind: 'TokenStore', name: 'vault' }, key: 'teams/ci/claude' },
    scopes: [],
    refresh: aRefreshPolicy(),
    target: {
      name: 'claude-token',
      outputs: [{ format: 'raw' }],
      creationPolicy: 'Owner',
      deletionPolicy: 'Delete',
    },
    suspend: false,
    ...changes.spec,
  }
  return {
    key: { namespace: 'ci', name: 'claude' },
    uid: '6f1c0a52-0000-4000-8000-000000000001',
    generation: 1,
    createdAt: noon,
    deleting: false,
    finalized: false,
    state: noState,
    ...changes,
    spec,
  }
}

/** The same credential, whose client asks for itself. */
export function aClientCredential(
  changes: Partial<Omit<Credential, 'spec'>> & { readonly spec?: Partial<ClientCredentialsSpec> } = {},
): Credential & { readonly spec: ClientCredentialsSpec } {
  const { spec: login, ...rest } = aCredential()
  const { refreshToken: _none, ...common } = login
  return { ...rest, ...changes, spec: { ...common, grant: 'ClientCredentials', ...changes.spec } }
}

/** The same credential, with an access token that somebody else puts into the store. */
export function aStaticCredential(
  changes: Partial<Omit<Credential, 'spec'>> & { readonly spec?: Partial<StaticTokenSpec> } = {},
): Credential & { readonly spec: StaticTokenSpec } {
  const { spec: login, ...rest } = aCredential()
  const { refresh, target, suspend, refreshToken: accessToken } = login
  const spec = { grant: 'StaticToken', accessToken, refresh, target, suspend, ...changes.spec } as const
  return { ...rest, ...changes, spec }
}

/** A client that proves itself. */
export const aConfidentialClient = {
  id: 'ci',
  authentication: 'client_secret_basic',
  secretRef: { name: 'gateway-client', key: 'client-secret' },
} as const satisfies Provider['client']

export function aProvider(changes: Partial<Provider> = {}): Provider {
  return {
    kind: 'OAuthProvider',
    name: 'gateway',
    namespace: 'ci',
    generation: 1,
    tokenEndpoint: 'https://login.example.com/oauth/token',
    client: { id: 'ci', authentication: 'none' },
    request: { bodyFormat: 'form', parameters: {}, headers: {} },
    response: { errors: [] },
    rotation: aRotation(),
    accessTokenLifetimeSeconds: 2700,
    refreshTokenLifetime: {},
    minimumRefreshIntervalSeconds: 0,
    limits: { requestsPerSecond: 1000, maxConcurrent: 100 },
    tls: {},
    ...changes,
  }
}

/** A server of which nothing is known. */
export function aRotation(changes: Partial<Rotation> = {}): Rotation {
  return {
    mode: 'Detect',
    reuseLeewaySeconds: 0,
    leewayKind: 'SameToken',
    revokesPreviousAccessToken: false,
    ...changes,
  }
}

/** The policy of a credential that asks for nothing in particular. */
export function aRefreshPolicy(changes: Partial<RefreshPolicy> = {}): RefreshPolicy {
  return { storeOutage: 'Wait', ...changes }
}

export function aStore(changes: Partial<TokenStore> = {}): TokenStore {
  return {
    kind: 'TokenStore',
    name: 'vault',
    namespace: 'ci',
    generation: 1,
    access: [],
    backend: { type: 'kubernetes' },
    ...changes,
  }
}

/** A credential whose token was refreshed `ago` seconds ago and lives for `lifetime` seconds from then. */
export function refreshedState(ago: number, lifetime: number, changes: Partial<CredentialState> = {}): CredentialState {
  return {
    ...noState,
    observedGeneration: 1,
    refreshes: 1,
    lastRefreshAt: inSeconds(-ago),
    accessTokenExpiresAt: inSeconds(lifetime - ago),
    storeVersion: 'v1',
    targetDigest: 'digest.login',
    ...changes,
  }
}

/** A healthy credential in the middle of its token's life. */
export function anObservation(changes: Partial<Observed> = {}): Observed {
  return {
    credential: aCredential(),
    state: refreshedState(600, 3600),
    provider: { kind: 'found', value: aProvider() },
    store: { kind: 'found', value: aStore() },
    target: { kind: 'unchecked' },
    targetDigest: 'digest.login',
    needsCleanup: false,
    needsFinalizer: false,
    targetCheckAt: inSeconds(600),
    inputs: 'same',
    grantInputs: 'same',
    ...changes,
  }
}

export function anAccessToken(expiresAt: EpochSeconds = inSeconds(3600)): AccessToken {
  return { value: new Sensitive(canary('at')), tokenType: 'Bearer', issuedAt: noon, expiresAt, scopes: [] }
}

export function aStoredToken(version = 'v1'): StoredRefreshToken {
  const refreshToken = new Sensitive(canary('rt'))
  return { refreshToken, version, document: refreshToken }
}
