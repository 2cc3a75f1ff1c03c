import { formerTargetContract } from '../../contract/former-target.ts'
import { mergedTargetContract } from '../../contract/merged-target.ts'
import { previousTokenContract } from '../../contract/previous-token.ts'
import { targetOrderContract } from '../../contract/target-order.ts'
import { targetSecretContract } from '../../contract/target-secret.ts'
import { typedTargetContract } from '../../contract/typed-target.ts'
import { ApiHands } from '../../support/api-hands.ts'
import { FakeKubeClient } from '../../support/fake-kube-client.ts'
import { SecretPreviousBench } from '../../support/previous-benches.ts'

const makeHands = (): Promise<ApiHands> => Promise.resolve(new ApiHands(new FakeKubeClient(), 'ci'))

targetSecretContract('the fake API server', makeHands)
mergedTargetContract('the fake API server', makeHands)
targetOrderContract('the fake API server', makeHands)
formerTargetContract('the fake API server', makeHands)
typedTargetContract('the fake API server', makeHands)
for (const creationPolicy of ['Owner', 'Merge', 'Orphan'] as const) {
  previousTokenContract(`the fake API server under ${creationPolicy}`, async () => {
    return new SecretPreviousBench(await makeHands(), creationPolicy)
  })
}
