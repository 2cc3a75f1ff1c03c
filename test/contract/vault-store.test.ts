import { FakeVault } from '../support/fake-vault.ts'
import { VaultBench } from '../unit/vault/vault-bench.ts'
import { refreshTokenStoreContract, type StoreHarness } from './refresh-token-store.ts'

refreshTokenStoreContract('VaultStore', async (): Promise<StoreHarness> => {
  const vault = await new FakeVault().start()
  const bench = new VaultBench({ address: vault.address })
  bench.secrets.values.set('operator/vault/token', vault.issue())
  return {
    store: bench.store,
    location: (key, property) => bench.at(key, {}, property),
    put: async (key, text) => Promise.resolve(vault.put(key, text)),
    get: async (key) => Promise.resolve(vault.get(key)),
    freshKey: () => 'teams/ci/claude',
    versions: async (key) => Promise.resolve(vault.versions(key)),
    forbid: async () => Promise.resolve(void (vault.forbidden = true)),
    forbidWriting: async () =>
      Promise.resolve(vault.fault('PUT', '/data/', { status: 403, errors: ['permission denied'] }, Infinity)),
    takeDown: async () => Promise.resolve(void (vault.down = true)),
    loseNextWriteAnswer: async () => Promise.resolve(vault.fault('PUT', '/data/', { break: true, carryOut: true })),
    takeDownAfterNextWrite: async () => {
      vault.fault('PUT', '/data/', { break: true, carryOut: true })
      vault.fault('PUT', '/data/', { break: true, carryOut: false })
      return Promise.resolve()
    },
    bringUp: async () => Promise.resolve(void (vault.down = false)),
    stop: async () => {
      await bench.store.close()
      await vault.stop()
    },
  }
})
