import type { Provider } from '../../src/domain/provider.ts'
import type { TokenStore } from '../../src/domain/token-store.ts'
import type { Credential } from '../../src/domain/credential.ts'
import { noState } from '../../src/domain/credential-state.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import { beginning } from './process.ts'
import type { Random } from './random.ts'
import type { ServerProfile } from './server-model.ts'
import { placeOf } from './store-model.ts'

/** One credential of a world. */
export interface Planned {
  readonly name: string
  /** Of the object, which somebody may make anew. */
  uid: string
  /** Of the objects of this name that are gone. */
  readonly formerUids: string[]
  readonly target: string
  /** Key and property of its refresh token, which somebody may change. */
  place: string
  readonly provider: string
  /** The credential that was there first and points at the same token. */
  readonly duplicateOf: string | undefined
}

/** What a seed makes of the world before anything happens. */
export interface Scenario {
  readonly planned: readonly Planned[]
  readonly servers: readonly { readonly profile: ServerProfile; readonly provider: Provider }[]
  readonly store: TokenStore
  /** Documents, and whether they have room beside their tokens. */
  readonly documents: ReadonlyMap<string, boolean>
  readonly everybodyLeads: boolean
  readonly faults: number
  readonly faultyMs: number
}

const namespace = 'ci'
const lifetimes = [600, 1200, 1800, 3600]

export function drawScenario(random: Random): Scenario {
  const servers = [0, 1].slice(0, 1 + random.below(2)).map((index) => drawServer(random, `server-${index}`))
  const planned = drawCredentials(
    random,
    servers.map(({ provider }) => provider.name),
  )
  const keys = new Set(planned.map(({ place }) => place.split('#')[0] ?? ''))
  return {
    planned,
    servers,
    store: { kind: 'TokenStore', name: 'store', namespace, generation: 1, access: [], backend: { type: 'kubernetes' } },
    documents: new Map([...keys].map((key) => [key, random.chance(0.7)])),
    everybodyLeads: random.chance(0.15),
    faults: 10 + random.below(61),
    faultyMs: random.between(0.5, 2) * 3_600_000,
  }
}

function drawServer(random: Random, name: string): Scenario['servers'][number] {
  const rotates = random.chance(0.85)
  const leewaySeconds = rotates && random.chance(0.4) ? random.pick([10, 30, 60, 1800]) : 0
  const leewayKind = random.chance(0.6) ? 'SameToken' : 'PreviousGeneration'
  const profile: ServerProfile = {
    name,
    rotates,
    leewaySeconds,
    leewayKind,
    lifetimeSeconds: random.pick(lifetimes),
    reuseError: random.chance(0.5) ? 'invalid_grant' : 'refresh_token_reused',
  }
  const mode = rotates ? random.pick(['Always', 'Detect']) : random.pick(['Never', 'Detect'])
  // A leeway that nobody told the operator of is the common case.
  const declared = random.chance(0.6) ? leewaySeconds : 0
  const rotation = { mode, reuseLeewaySeconds: declared, leewayKind, revokesPreviousAccessToken: false }
  return { profile, provider: { ...providerNamed(name), rotation } as Provider }
}

function providerNamed(name: string): Omit<Provider, 'rotation'> {
  return {
    kind: 'OAuthProvider',
    name,
    namespace,
    generation: 1,
    tokenEndpoint: `https://${name}.example.com/token`,
    client: { id: 'ci', authentication: 'none' },
    request: { bodyFormat: 'form', parameters: {}, headers: {} },
    response: { errors: [] },
    refreshTokenLifetime: {},
    minimumRefreshIntervalSeconds: 0,
    accessTokenLifetimeSeconds: 2700,
    limits: { requestsPerSecond: 1000, maxConcurrent: 100 },
    tls: {},
  }
}

function drawCredentials(random: Random, providers: readonly string[]): readonly Planned[] {
  const shared = random.chance(0.4)
  const count = random.chance(0.3) ? 3 : 2
  const planned: Planned[] = []
  for (let index = 0; index < count; index += 1) {
    const key = shared && index < 2 ? 'shared' : `document-${index}`
    const property = shared && index < 2 ? `/login-${index}` : undefined
    planned.push(plannedAt(index, placeOf(key, property), random.pick(providers)))
  }
  const first = planned[0]
  if (first !== undefined && random.chance(0.3)) {
    planned.push({ ...plannedAt(count, first.place, first.provider), duplicateOf: first.name })
  }
  return planned
}

function plannedAt(index: number, place: string, provider: string): Planned {
  const name = `credential-${index}`
  const uid = `6f1c0a52-0000-4000-8000-00000000000${index}`
  return { name, uid, formerUids: [], target: `target-${index}`, place, provider, duplicateOf: undefined }
}

/** The manifest of a planned credential. The first of a pair is the older one. */
export function manifestOf({ name, uid, target, place, provider, duplicateOf }: Planned): Credential {
  const [key = '', property = ''] = place.split('#', 2)
  return {
    key: { namespace, name },
    uid,
    generation: 1,
    createdAt: epochSeconds(beginning - (duplicateOf === undefined ? 1000 : 10)),
    deleting: false,
    finalized: false,
    spec: {
      grant: 'RefreshToken',
      provider: { kind: 'OAuthProvider', name: provider },
      refreshToken: { store: { kind: 'TokenStore', name: 'store' }, key, ...(property !== '' && { property }) },
      scopes: [],
      refresh: { storeOutage: 'Wait' },
      target: { name: target, outputs: [{ format: 'raw' }], creationPolicy: 'Owner', deletionPolicy: 'Delete' },
      suspend: false,
    },
    state: noState,
  }
}
