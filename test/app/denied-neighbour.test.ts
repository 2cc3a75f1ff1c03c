import { expect, it } from 'vitest'
import { noState } from '../../src/domain/credential-state.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import { aCredential, aProvider, aStore, noon } from '../support/builders.ts'
import { documentKey, Replicas } from '../support/replicas.ts'

const refreshToken = { store: { kind: 'ClusterTokenStore' as const, name: 'shared' }, key: documentKey }

/** A store that serves the namespace ci alone. */
function sharedStore(): ReturnType<typeof aStore> {
  const { namespace: _everywhere, ...store } = aStore({
    kind: 'ClusterTokenStore',
    name: 'shared',
    backend: { type: 'awsSecretsManager', region: 'eu-central-1', minimumWriteIntervalSeconds: 900 },
  })
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'ci' }, matchExpressions: [] }
  return {
    ...store,
    access: [{ namespaceSelector, keys: ['teams/ci/*'], namespacedProviders: 'Allow', staticTokens: 'Deny' }],
  }
}

it.each([0, 7])(
  'an older credential that may not use the key holds nobody up, after %i refreshes',
  async (refreshes) => {
    const world = new Replicas()
    world.store.put(documentKey, world.endpoint.login())
    const first = world.replica()
    const { resources } = first.operator
    resources.upserted('ClusterTokenStore', { type: 'store', store: sharedStore() })
    for (const name of ['ci', 'other']) resources.upserted('Namespace', { type: 'namespace', name, labels: {} })
    resources.upserted('OAuthProvider', { type: 'provider', provider: aProvider({ namespace: 'other' }) })
    world.apply(
      aCredential({
        key: { namespace: 'other', name: 'older' },
        uid: '6f1c0a52-0000-4000-8000-00000000000e',
        createdAt: epochSeconds(noon - 1000),
        spec: { refreshToken },
        state: { ...noState, refreshes },
      }),
    )
    world.apply(aCredential({ spec: { refreshToken } }))
    await first.lead()
    await world.clock.pass(60)
    expect(world.problem('other/older')).toBe('STORE_ACCESS_NOT_GRANTED')
    expect(world.problem()).toBeUndefined()
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.bugs).toEqual([])
  },
)
