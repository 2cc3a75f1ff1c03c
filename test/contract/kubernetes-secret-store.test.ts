import { ApiHands } from '../support/api-hands.ts'
import { FakeKubeClient } from '../support/fake-kube-client.ts'
import { secretStoreHarness } from '../support/secret-store-harness.ts'
import { refreshTokenStoreContract } from './refresh-token-store.ts'

refreshTokenStoreContract('a Secret of the fake API server', () =>
  Promise.resolve(secretStoreHarness(new ApiHands(new FakeKubeClient(), 'ci'))),
)
