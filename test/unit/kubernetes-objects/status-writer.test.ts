import { expect, test } from 'vitest'
import { KubernetesStatusWriter } from '../../../src/adapters/kubernetes/status-writer.ts'
import { noState } from '../../../src/domain/credential-state.ts'
import { credentialStatusContract } from '../../contract/credential-status.ts'
import { ApiHands } from '../../support/api-hands.ts'
import { FakeKubeClient, refused, unanswered } from '../../support/fake-kube-client.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

credentialStatusContract('the fake API server', () => Promise.resolve(new ApiHands(new FakeKubeClient(), 'ci')))

const report = { key: { namespace: 'ci', name: 'claude' }, uid: 'u', state: noState }

test('a status that the schema refuses is told, because the object is still the same', async () => {
  const client = new FakeKubeClient()
  const uid = await new ApiHands(client, 'ci').createCredential('claude')
  client.intercept = (request, carryOut) =>
    request.method === 'PATCH'
      ? refused(
          422,
          'Invalid',
          'OAuthCredential.oauth-operator.dev "claude" is invalid: status.refreshes: Invalid value',
        )
      : carryOut()
  const result = told(await new KubernetesStatusWriter(client).write({ ...report, uid }))
  expect(codeOf(result)).toBe('KUBERNETES_UNAVAILABLE')
  expect(messageOf(result)).toContain('status of OAuthCredential ci/claude was refused')
})

test('a right that is missing is told by its name', async () => {
  const client = new FakeKubeClient()
  const message = 'oauthcredentials.oauth-operator.dev "claude" is forbidden: User "x" cannot patch resource'
  client.intercept = () => refused(403, 'Forbidden', message)
  const status = told(await new KubernetesStatusWriter(client).write(report))
  expect(codeOf(status)).toBe('KUBERNETES_FORBIDDEN')
  expect(messageOf(status)).toContain('the operator may not patch oauthcredentials/status in the namespace ci.')
  const finalizer = told(await new KubernetesStatusWriter(client).setFinalizer(report, true))
  expect(messageOf(finalizer)).toContain('the operator may not get oauthcredentials in the namespace ci.')
})

test('without an answer neither the status nor the finalizer is known to be written', async () => {
  const client = new FakeKubeClient()
  client.intercept = () => unanswered('ECONNREFUSED', false)
  expect(codeOf(told(await new KubernetesStatusWriter(client).write(report)))).toBe('KUBERNETES_UNAVAILABLE')
  expect(codeOf(told(await new KubernetesStatusWriter(client).setFinalizer(report, true)))).toBe(
    'KUBERNETES_UNAVAILABLE',
  )
})

test('a finalizer list that others change without end is left to a later try', async () => {
  const client = new FakeKubeClient()
  const hands = new ApiHands(client, 'ci')
  const uid = await hands.createCredential('claude')
  client.intercept = (request, carryOut) =>
    request.method === 'PATCH' ? refused(409, 'Conflict', 'the object has been modified') : carryOut()
  const result = told(await new KubernetesStatusWriter(client).setFinalizer({ ...report, uid }, true))
  expect(codeOf(result)).toBe('KUBERNETES_UNAVAILABLE')
  expect(client.requests.length).toBeLessThan(20)
})
