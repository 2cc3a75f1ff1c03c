import { conditionOf } from '../domain/conditions.ts'
import { type Credential, providerOf, sourceOf } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import { formatOf } from '../domain/formats.ts'
import { present } from '../domain/present.ts'
import type { InvalidCredential } from '../domain/resources.ts'
import type { CredentialGaugeInput, CredentialInfo } from '../ports/credential-gauges.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Engine } from './engine.ts'
import type { ResourceIndex } from './resource-index.ts'

/** Every credential of the index as it is now. A deleted one is gone from the next look on. */
export function* credentialGauges(
  resources: ResourceIndex,
  engine: Engine | undefined,
): Iterable<CredentialGaugeInput> {
  for (const indexed of resources.credentials()) {
    const { credential } = indexed
    const memory = engine?.memory(credential.key)
    const info = indexed.type === 'credential' ? infoOf(indexed.credential) : unknownInfo
    const suspended = indexed.type === 'credential' && indexed.credential.spec.suspend
    yield gaugesOf(credential, memory, { info, suspended })
  }
}

function gaugesOf(
  credential: Pick<Credential | InvalidCredential, 'key' | 'state'>,
  memory: CredentialMemory | undefined,
  shown: { readonly info: CredentialInfo; readonly suspended: boolean },
): CredentialGaugeInput {
  const state: CredentialState = memory?.state ?? credential.state
  const { namespace, name } = credential.key
  return present({
    namespace,
    name,
    ready: conditionOf(state.conditions, 'Ready')?.status === 'True',
    stalledReason: conditionOf(state.conditions, 'Stalled')?.reason,
    accessTokenExpiresAt: state.accessTokenExpiresAt,
    nextRefreshAt: memory?.nextRefreshAt,
    lastSuccessAt: state.lastRefreshAt,
    consecutiveFailures: state.consecutiveFailures,
    refreshTokenExpiresAt: state.refreshTokenExpiresAt,
    ...behindOf(memory),
    ...shown,
  })
}

/** Whether a write of the store is owed, and since when the store lacks the newest refresh token. */
function behindOf(
  memory: CredentialMemory | undefined,
): Pick<CredentialGaugeInput, 'writeBackPending' | 'storeBehindSince'> {
  if (memory?.pending?.persisted !== false) return { writeBackPending: false }
  const { storeWriteDueAt, behindSince } = memory.pending
  return { writeBackPending: storeWriteDueAt === undefined, storeBehindSince: behindSince }
}

const unknownInfo: CredentialInfo = { grant: '', provider: '', storeKind: '', store: '', targetSecret: '', format: '' }

function infoOf({ spec }: Credential): CredentialInfo {
  const store = sourceOf(spec)?.store
  return {
    grant: spec.grant,
    provider: providerOf(spec)?.name ?? '',
    storeKind: store?.kind ?? '',
    store: store?.name ?? '',
    targetSecret: spec.target.name,
    format: spec.target.outputs.map(formatOf).join(','),
  }
}
