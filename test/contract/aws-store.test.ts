import { FakeSecretsManager } from '../support/fake-secrets-manager.ts'
import { AwsBench } from '../unit/aws-secrets-manager/aws-bench.ts'
import { refreshTokenStoreContract, type StoreHarness } from './refresh-token-store.ts'

refreshTokenStoreContract('AwsSecretsManagerStore', async (): Promise<StoreHarness> => {
  const aws = await new FakeSecretsManager().start()
  const bench = new AwsBench({ endpoint: aws.endpoint })
  return {
    store: bench.store,
    location: (key, property) => bench.at(key, {}, property),
    put: async (key, text) => Promise.resolve(void aws.put(key, text)),
    get: async (key) => Promise.resolve(aws.get(key)),
    freshKey: () => 'teams/ci/claude',
    versions: async (key) => Promise.resolve(aws.versions(key)),
    forbid: async () => Promise.resolve(void (aws.forbidden = true)),
    forbidWriting: async () => Promise.resolve(void aws.forbiddenActions.add('PutSecretValue')),
    takeDown: async () => Promise.resolve(void (aws.down = true)),
    loseNextWriteAnswer: async () => Promise.resolve(aws.fault('PutSecretValue', { break: true, carryOut: true })),
    takeDownAfterNextWrite: async () => {
      aws.fault('PutSecretValue', { break: true, carryOut: true })
      aws.fault('PutSecretValue', { break: true, carryOut: false })
      return Promise.resolve()
    },
    bringUp: async () => Promise.resolve(void (aws.down = false)),
    stop: async () => {
      bench.store.close()
      await aws.stop()
    },
  }
})
