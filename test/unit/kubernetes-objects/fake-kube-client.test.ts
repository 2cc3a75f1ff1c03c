import { kubeApiContract } from '../../contract/kube-api.ts'
import { ApiHands } from '../../support/api-hands.ts'
import { FakeKubeClient } from '../../support/fake-kube-client.ts'

kubeApiContract('the fake API server', () => Promise.resolve(new ApiHands(new FakeKubeClient(), 'ci')))
