import type { ProviderDraft, ProviderSpec } from './provider-draft.ts'
import type { ClientAuthentication, Provider } from './provider.ts'
import type { Problem } from './resources.ts'

/** What the rules look at: as it stands in a manifest, or decoded. A manifest may have anything in these places. */
export interface ProviderOutline {
  readonly issuer?: unknown
  readonly tokenEndpoint?: unknown
  readonly introspection?: { readonly endpoint?: unknown } | undefined
  readonly client?: ClientOutline | undefined
}

type ClientOutline = Readonly<Partial<Record<'id' | 'authentication' | Exclude<Proof, 'assertion'>, unknown>>> & {
  readonly assertion?: { readonly keyRef?: unknown } | undefined
}

/** What makes a provider usable, beyond what each member is by itself. */
export interface CompletenessRule {
  /** Path below `spec`. */
  readonly field: string
  readonly message: string
  readonly holds: (provider: ProviderOutline) => boolean
}

/** What a client proves itself with, and by which methods. */
export const proofs = {
  secretRef: ['client_secret_basic', 'client_secret_post'],
  assertion: ['private_key_jwt'],
  certificateSecretName: ['tls_client_auth'],
} as const satisfies Record<string, readonly ClientAuthentication[]>

export type Proof = keyof typeof proofs

export const proofNames = Object.keys(proofs) as readonly Proof[]

/** RFC 7591 §2. */
export const defaultAuthentication: ClientAuthentication = 'client_secret_basic'

export const endpointKnown: CompletenessRule = {
  field: 'tokenEndpoint',
  message: 'is required unless issuer is given',
  holds: ({ tokenEndpoint, issuer }) => tokenEndpoint !== undefined || issuer !== undefined,
}

export const introspectionKnown: CompletenessRule = {
  field: 'introspection',
  message: 'must have an endpoint unless issuer is given',
  holds: ({ introspection, issuer }) =>
    introspection === undefined || introspection.endpoint !== undefined || issuer !== undefined,
}

export const clientKnown: CompletenessRule = {
  field: 'client.id',
  message: 'is required',
  holds: ({ client }) => client?.id !== undefined,
}

export const assertionSigned: CompletenessRule = {
  field: 'client.assertion.keyRef',
  message: 'is required',
  holds: ({ client }) => client?.assertion === undefined || client.assertion.keyRef !== undefined,
}

export function proofPresent(proof: Proof): CompletenessRule {
  return {
    field: `client.${proof}`,
    message: `is required when authentication is ${proofs[proof].join(' or ')}`,
    holds: ({ client }) => client === undefined || !uses(client, proof) || client[proof] !== undefined,
  }
}

export function proofUsed(proof: Proof): CompletenessRule {
  return {
    field: `client.${proof}`,
    message: `must be absent unless authentication is ${proofs[proof].join(' or ')}`,
    holds: ({ client }) => client === undefined || uses(client, proof) || client[proof] === undefined,
  }
}

/** True when a client with this method, or with the default one, proves itself with `proof`. */
export function uses({ authentication = defaultAuthentication }: { readonly authentication?: unknown }, proof: Proof) {
  const methods: readonly unknown[] = proofs[proof]
  return methods.includes(authentication)
}

const rules: readonly CompletenessRule[] = [
  endpointKnown,
  introspectionKnown,
  clientKnown,
  assertionSigned,
  ...proofNames.flatMap((proof) => [proofPresent(proof), proofUsed(proof)]),
]

/** What keeps a provider from being used, now that its preset has had its say. */
export function completenessProblems(spec: ProviderSpec): readonly Problem[] {
  const missing = rules.filter(({ holds }) => !holds(spec)).map(({ field, message }) => problem(field, message))
  const { leewayKind, reuseLeewaySeconds = 0 } = spec.rotation ?? {}
  return leewayKind === 'PreviousGeneration' && reuseLeewaySeconds === 0
    ? [...missing, problem('rotation.leewayKind', 'is only for a reuseLeeway above 0s')]
    : missing
}

function problem(field: string, message: string): Problem {
  return { field: `spec.${field}`, message }
}

/** The provider with every default filled in; of a spec that {@link completenessProblems} finds nothing in. */
export function withDefaults(draft: ProviderDraft, generation: number): Provider {
  const { kind, name, namespace, spec } = draft
  const { client = {}, ...given } = spec
  return {
    accessTokenLifetimeSeconds: 2700,
    minimumRefreshIntervalSeconds: 0,
    tls: {},
    ...given,
    kind,
    name,
    ...(namespace !== undefined && { namespace }),
    generation,
    client: clientWithDefaults(client),
    request: { bodyFormat: 'form', parameters: {}, headers: {}, ...spec.request },
    response: { errors: [], ...spec.response },
    rotation: {
      mode: 'Detect',
      reuseLeewaySeconds: 0,
      leewayKind: 'SameToken',
      revokesPreviousAccessToken: false,
      ...spec.rotation,
    },
    refreshTokenLifetime: { ...spec.refreshTokenLifetime },
    limits: { requestsPerSecond: 5, maxConcurrent: 2, ...spec.limits },
  }
}

function clientWithDefaults({ id, assertion, ...client }: NonNullable<ProviderSpec['client']>): Provider['client'] {
  if (id === undefined) throw new Error('a provider without client id was taken for complete')
  const { keyRef, ...signature } = assertion ?? {}
  return {
    authentication: defaultAuthentication,
    ...client,
    id,
    ...(keyRef !== undefined && { assertion: { algorithm: 'RS256', ...signature, keyRef } }),
  }
}
