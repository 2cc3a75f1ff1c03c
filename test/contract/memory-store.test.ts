import { failure } from '../../src/domain/failures.ts'
import { aStore } from '../support/builders.ts'
import { MemoryStore } from '../support/memory-ports.ts'
import { proofAndClaimContract } from './refresh-token-store.ts'

proofAndClaimContract('the store in memory', () => {
  const store = new MemoryStore()
  store.hasRoom = true
  const location = (key: string) => ({ store: aStore(), namespace: 'ci', key })
  const refuse = (code: 'STORE_FORBIDDEN' | 'STORE_UNAVAILABLE'): Promise<void> => {
    store.writableFault = failure(code, 'The document "memory" of TokenStore ci/vault was refused.')
    return Promise.resolve()
  }
  return Promise.resolve({
    store,
    location,
    holdsBareTokens: true,
    freshKey: () => 'memory',
    put: (key, text) => {
      store.put(key, (JSON.parse(text) as { refresh_token: string }).refresh_token)
      return Promise.resolve()
    },
    get: (key) => Promise.resolve(JSON.stringify({ refresh_token: store.tokens.get(key) })),
    versions: async (key) => {
      const read = await store.read(location(key))
      return read.ok ? Number(read.value.version.slice(1)) : 0
    },
    forbid: () => refuse('STORE_FORBIDDEN'),
    forbidWriting: () => refuse('STORE_FORBIDDEN'),
    takeDown: () => refuse('STORE_UNAVAILABLE'),
    bringUp: () => Promise.resolve(void (store.writableFault = undefined)),
  })
})
