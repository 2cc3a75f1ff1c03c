import { formerTargetContract } from '../../contract/former-target.ts'
import { mergedTargetContract } from '../../contract/merged-target.ts'
import { targetOrderContract } from '../../contract/target-order.ts'
import { targetSecretContract } from '../../contract/target-secret.ts'
import { typedTargetContract } from '../../contract/typed-target.ts'
import { ApiHands } from '../../support/api-hands.ts'
import { FakeKubeClient } from '../../support/fake-kube-client.ts'

const makeHands = (): Promise<ApiHands> => Promise.resolve(new ApiHands(new FakeKubeClient(), 'ci'))

targetSecretContract('the fake API server', makeHands)
mergedTargetContract('the fake API server', makeHands)
targetOrderContract('the fake API server', makeHands)
formerTargetContract('the fake API server', makeHands)
typedTargetContract('the fake API server', makeHands)
