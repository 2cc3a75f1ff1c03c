import { hash } from 'node:crypto'
import { recordBody } from '../../src/adapters/kubernetes/record-secret.ts'
import { applyBody } from '../../src/adapters/kubernetes/target-marks.ts'
import { decodeResource, encodeStatus } from '../../src/api/decode.ts'
import { conditionsOf } from '../../src/domain/conditions.ts'
import type { CredentialSpec } from '../../src/domain/credential.ts'
import type { CredentialState } from '../../src/domain/credential-state.ts'
import { outputKeys } from '../../src/domain/formats.ts'
import { groupVersion } from '../../src/domain/names.ts'
import { newRecord } from '../../src/domain/refresh-record.ts'
import { spentLimit } from '../../src/domain/spent-tokens.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { publicationDigest } from '../../src/domain/target-login.ts'
import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import { type FleetMember, type NamedObject, type ProviderName, providerNames, refreshesBefore } from './fleet.ts'

// The objects of the benchmark, as an API server takes them.

export const benchNamespace = 'bench'

/** Holds the token that the store logs in with. */
export const loginSecret = 'vault-token'

/** After the credential's name, in the name of its target. */
export const targetSuffix = '-token'

/** A format that says to the millisecond when the token expires, so that it can be told when it was due. */
const outputFormat = 'claude-code'

/** What the schema fills in, and the output. */
const targetDefaults = {
  outputs: [{ format: outputFormat }],
  creationPolicy: 'Owner',
  deletionPolicy: 'Delete',
} as const

export interface BenchEndpoints {
  /** Origin of the authorization server. */
  readonly tokenServer: string
  readonly vaultAddress: string
  /** PEM that both are trusted by. */
  readonly ca: string
}

/** Paths of the authorization server. */
export const rotatingPath = '/rotating/token'
const constantPath = '/constant/token'

export function providerObjects(endpoints: BenchEndpoints): readonly object[] {
  return providerNames.map((name) => providerObject(name, endpoints))
}

function providerObject(name: ProviderName, { tokenServer, ca }: BenchEndpoints): object {
  return namespaced('OAuthProvider', name, {
    tokenEndpoint: `${tokenServer}${name === 'rotating' ? rotatingPath : constantPath}`,
    client: { id: 'bench', authentication: 'none' },
    limits: { requestsPerSecond: 1000, maxConcurrent: 256 },
    rotation: { mode: name === 'never' ? 'Never' : 'Detect' },
    tls: { caBundle: ca },
  })
}

export function storeObject({ vaultAddress, ca }: BenchEndpoints): object {
  const auth = { token: { secretRef: { name: loginSecret, key: 'token' } } }
  return namespaced('TokenStore', 'vault', {
    vault: { address: vaultAddress, mount: 'secret', tls: { caBundle: ca }, auth },
  })
}

/** As an API server returns it: with the defaults of the schema filled in. */
export function credentialObject({ name, provider }: Pick<NamedObject, 'name' | 'provider'>): {
  readonly metadata: object
  readonly spec: object
} {
  return namespaced('OAuthCredential', name, {
    grant: 'RefreshToken',
    providerRef: { kind: 'OAuthProvider', name: provider },
    refresh: {},
    refreshToken: { storeRef: { kind: 'TokenStore', name: 'vault' }, key: `bench/${name}` },
    scopes: [],
    suspend: false,
    target: { name: targetName(name), ...targetDefaults },
  })
}

/** What the controller would have written after the refresh that the member begins with. */
export function statusOf(member: FleetMember): object {
  const { refreshedAt } = member
  const state: CredentialState = {
    observedGeneration: 1,
    accessTokenExpiresAt: expiryOf(member),
    lastRefreshAt: refreshedAt,
    refreshes: refreshesBefore,
    consecutiveFailures: 0,
    storeVersion: '1',
    targetDigest: publicationDigest(specOf(member)),
    conditions: [],
  }
  const settled = {
    settlement: { kind: 'fine' },
    generation: 1,
    writtenBack: true,
    storeIsNewest: true,
    answerWaiting: false,
  } as const
  const conditions = conditionsOf({ ...settled, state, now: refreshedAt })
  return encodeStatus({ state: { ...state, conditions }, nextRefreshAt: member.dueAt })
}

/** The target as the controller would have applied it, whatever was there before. */
export function targetObject(member: FleetMember): { readonly metadata: { readonly name: string } } {
  const { target } = specOf(member)
  const { name, creationPolicy, deletionPolicy } = target
  const credential = { namespace: benchNamespace, name: member.name }
  const files = new Map(outputKeys(target.outputs).map((key) => [key, new Sensitive('an earlier token')]))
  const identity = { credential, credentialUid: member.uid, name, creationPolicy, deletionPolicy }
  const times = { issuedAt: member.refreshedAt, expiresAt: expiryOf(member) }
  const publication = { identity, files, digest: publicationDigest(specOf(member)), ...times }
  const body = applyBody(publication, { kind: 'absent' }) as { readonly metadata: object }
  const { resourceVersion: _none, ...metadata } = { resourceVersion: '', ...body.metadata, name }
  return { ...body, metadata }
}

/**
 * The record of a credential whose refresh token has rotated for long. The document of the benchmark is as a
 * human has put it there, so the record has no tokens.
 */
export function recordObject({ name, uid }: FleetMember): { readonly metadata: { readonly name: string } } {
  const spent = Array.from({ length: spentLimit }, (_, index) => fingerprintOf(`${uid}/${index}`))
  const record = newRecord(uid, { namespace: benchNamespace, name })
  const body = recordBody({ ...record, epoch: spentLimit, generation: spentLimit, spent }, noSealed, 'earlier')
  return body as { readonly metadata: { readonly name: string } }
}

const noSealed = { retained: undefined, kept: [] }

function fingerprintOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
}

export function loginSecretObject(): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: loginSecret, namespace: benchNamespace },
    data: { token: Buffer.from('bench').toString('base64') },
  }
}

function targetName(credential: string): string {
  return `${credential}${targetSuffix}`
}

function specOf(member: FleetMember): CredentialSpec {
  const decoded = decodeResource(credentialObject(member))
  if (decoded?.type !== 'credential') throw new Error('the credentials of the benchmark are not valid any more')
  return decoded.credential.spec
}

function expiryOf({ refreshedAt, lifetimeSeconds }: FleetMember): EpochSeconds {
  return epochSeconds(refreshedAt + lifetimeSeconds)
}

function namespaced(kind: string, name: string, spec: object) {
  return { apiVersion: groupVersion, kind, metadata: { name, namespace: benchNamespace }, spec }
}
