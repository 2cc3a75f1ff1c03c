import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KubernetesEventRecorder } from '../../src/adapters/kubernetes/event-recorder.ts'
import { KubernetesSecretReader } from '../../src/adapters/kubernetes/secret-reader.ts'
import { KubernetesSecretStore } from '../../src/adapters/kubernetes/secret-store.ts'
import { KubernetesServiceAccountTokens } from '../../src/adapters/kubernetes/service-account-tokens.ts'
import type { KubeTransport } from '../../src/adapters/kubernetes/transport.ts'
import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import { credentialStatusContract } from '../contract/credential-status.ts'
import { formerTargetContract } from '../contract/former-target.ts'
import { kubeApiContract } from '../contract/kube-api.ts'
import { mergedTargetContract } from '../contract/merged-target.ts'
import { refreshTokenStoreContract } from '../contract/refresh-token-store.ts'
import { previousTokenContract } from '../contract/previous-token.ts'
import { targetOrderContract } from '../contract/target-order.ts'
import { targetSecretContract } from '../contract/target-secret.ts'
import { typedTargetContract } from '../contract/typed-target.ts'
import { ApiHands, freshName } from '../support/api-hands.ts'
import { clientOf } from '../support/api-server-client.ts'
import { aStore } from '../support/builders.ts'
import { canary, watchForLeak } from '../support/canary.ts'
import { LogLines } from '../support/memory-ports.ts'
import { ScaledClock } from '../support/scaled-clock.ts'
import { SecretPreviousBench } from '../support/previous-benches.ts'
import { secretStoreHarness } from '../support/secret-store-harness.ts'
import { codeOf, messageOf, TargetBench, told } from '../support/target-bench.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'

const namespace = 'ci'

/** The machine's time, which the expiry of a real token is compared with. */
class WallClock extends ScaledClock {
  constructor() {
    super(1)
  }

  override now(): EpochSeconds {
    return epochSeconds(Date.now() / 1000)
  }
}

/** Every right that the objects of this adapter need, and no other: all tests here run with these. */
const operatorRules = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
  { apiGroups: ['oauth-operator.dev'], resources: ['oauthcredentials'], verbs: ['get', 'patch'] },
  { apiGroups: ['oauth-operator.dev'], resources: ['oauthcredentials/status'], verbs: ['patch'] },
]

const running: { cluster?: Cluster; hands?: ApiHands; clients: KubeTransport[] } = { clients: [] }

beforeAll(async () => {
  const cluster = await startCluster({ users: { operator: [], nobody: [] } })
  running.cluster = cluster
  await cluster.kubectlOrThrow(['apply', '--server-side', '-f', 'deploy/crds'])
  await cluster.kubectlOrThrow(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  for (const name of [namespace, 'quota', 'policy']) await cluster.kubectlOrThrow(['create', 'namespace', name])
  await cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(grant('operator', operatorRules)))
  const [admin, operator] = [clientOf(cluster, cluster.token()), clientOf(cluster, cluster.token('operator'))]
  running.clients.push(admin, operator)
  running.hands = new ApiHands(admin, namespace, operator)
})

afterAll(async () => {
  await Promise.all(running.clients.map((client) => client.close()))
  await running.cluster?.stop()
})

const hands = (): Promise<ApiHands> => Promise.resolve(theHands())

kubeApiContract('the real API server', hands)
targetSecretContract('the real API server', hands)
mergedTargetContract('the real API server', hands)
targetOrderContract('the real API server', hands)
formerTargetContract('the real API server', hands)
typedTargetContract('the real API server', hands)
for (const creationPolicy of ['Owner', 'Merge', 'Orphan'] as const) {
  previousTokenContract(`the real API server under ${creationPolicy}`, async () => {
    return new SecretPreviousBench(await hands(), creationPolicy)
  })
}
credentialStatusContract('the real API server', hands)
refreshTokenStoreContract('a Secret of the real API server', async () => secretStoreHarness(await hands()))

describe('what the real API server refuses', () => {
  test('a missing right is told by its name', async () => {
    const nobody = clientOf(theCluster(), theCluster().token('nobody'))
    running.clients.push(nobody)
    const b = new TargetBench(new ApiHands(theHands().client, namespace, nobody))
    const result = await b.publish()
    expect(codeOf(result)).toBe('KUBERNETES_FORBIDDEN')
    expect(messageOf(result)).toContain(
      `Reading Secret ci/${b.name} is forbidden: the operator may not get secrets in the namespace ci.`,
    )
  })

  test('an exhausted quota is told in the words of the API server', async () => {
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few' },
      spec: { hard: { secrets: '0' } },
    }
    await theCluster().kubectlOrThrow(['apply', '-n', 'quota', '-f', '-'], JSON.stringify(quota))
    const status = JSON.stringify({ status: { hard: { secrets: '0' }, used: { secrets: '0' } } })
    const patch = ['patch', 'resourcequota', 'few', '-n', 'quota', '--subresource=status', '--type=merge', '-p', status]
    await theCluster().kubectlOrThrow(patch)
    const b = new TargetBench(new ApiHands(theHands().client, 'quota', theHands().operator))
    const result = await b.publish()
    expect(codeOf(result)).toBe('TARGET_REJECTED')
    expect(messageOf(result)).toContain('exceeded quota: few')
  })

  test('an admission policy that refuses is told, and what it quotes of the data is not', async () => {
    await theCluster().kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(policy()))
    const policed = new ApiHands(theHands().client, 'policy', theHands().operator)
    await untilPolicyHolds(policed)
    const b = new TargetBench(policed)
    const plain = await b.publish({ plain: canary('at') })
    expect(codeOf(plain)).toBe('TARGET_REJECTED')
    expect(messageOf(plain)).toContain('no token may be called plain')
    const quoting = await b.publish({ quoted: canary('at') })
    expect(codeOf(quoting)).toBe('TARGET_REJECTED')
    expect(messageOf(quoting)).toContain('its message quotes the data and is withheld')
    expect(await b.hands.secretExists(b.name)).toBe(false)
  })

  test('nothing is put into a namespace that is going', async () => {
    const going = freshName('going')
    await theCluster().kubectlOrThrow(['create', 'namespace', going])
    await theCluster().kubectlOrThrow(['delete', 'namespace', going, '--wait=false'])
    const b = new TargetBench(new ApiHands(theHands().client, going, theHands().operator))
    const result = await b.publish()
    expect(codeOf(result)).toBe('TARGET_REJECTED')
    expect(messageOf(result)).toContain('because it is being terminated')
  })

  test('nothing is put into a namespace that does not exist', async () => {
    const b = new TargetBench(new ApiHands(theHands().client, 'nowhere', theHands().operator))
    const result = await b.publish()
    expect(codeOf(result)).toBe('TARGET_REJECTED')
    expect(messageOf(result)).toContain('namespaces "nowhere" not found')
  })

  test('a Secret that is no longer readable is no store', async () => {
    const nobody = clientOf(theCluster(), theCluster().token('nobody'))
    running.clients.push(nobody)
    const store = new KubernetesSecretStore(nobody)
    const result = told(await store.read({ store: aStore(), namespace, key: freshName() }))
    expect(codeOf(result)).toBe('STORE_FORBIDDEN')
  })
})

describe('the smaller objects on the real API server', () => {
  test('an event is shown by kubectl', async () => {
    const name = freshName('credential')
    const uid = await theHands().createCredential(name)
    const log = new LogLines()
    const recorder = new KubernetesEventRecorder({
      client: theHands().operator,
      clock: new ScaledClock(1),
      logger: log,
      instance: 'operator-0',
    })
    const message = `Log in again. ${'ü'.repeat(1000)}`
    recorder.record({ key: { namespace, name }, uid, severity: 'Warning', reason: 'ReauthorizationRequired', message })
    await recorder.flush()
    expect(log.lines).toEqual([])
    const shown = await theCluster().kubectlOrThrow(['events', '-n', namespace, '--for', `oauthcredential/${name}`])
    expect(shown).toContain('ReauthorizationRequired')
    expect(shown).toContain('Log in again. ')
  })

  test('a token of a service account is made for its audience', async () => {
    const name = freshName('account')
    await theCluster().kubectlOrThrow(['create', 'serviceaccount', name, '-n', namespace])
    const tokens = new KubernetesServiceAccountTokens({
      client: theHands().operator,
      clock: new WallClock(),
      operatorNamespace: namespace,
      readOwnToken: () => Promise.reject(new Error('no file')),
    })
    const first = told(await tokens.token(namespace, { name, audiences: ['vault'] }))
    if (!first.ok) throw new Error(first.failure.message)
    const claims: unknown = JSON.parse(
      Buffer.from(watchForLeak(first.value.reveal()).split('.')[1] ?? '', 'base64url').toString(),
    )
    expect(claims).toMatchObject({ aud: ['vault'], sub: `system:serviceaccount:${namespace}:${name}` })
    const second = await tokens.token(namespace, { name, audiences: ['vault'] })
    expect(second.ok && second.value.reveal()).toBe(first.value.reveal())
    expect(codeOf(told(await tokens.token(namespace, { name: 'missing', audiences: ['vault'] })))).toBe(
      'STORE_LOGIN_REJECTED',
    )
  })

  test('a value of a Secret is read by its key', async () => {
    const name = freshName('client')
    const secret = canary('secret')
    await theHands().createSecret(name, { data: { 'client-secret': `${secret}\n` } })
    const reader = new KubernetesSecretReader({
      client: theHands().operator,
      clock: new ScaledClock(1),
      operatorNamespace: namespace,
    })
    const value = told(await reader.read(undefined, { name, key: 'client-secret' }))
    expect(value.ok && value.value.reveal()).toBe(secret)
    expect(codeOf(told(await reader.read(namespace, { name: 'missing', key: 'x' })))).toBe('CLIENT_SECRET_UNAVAILABLE')
  })
})

function theCluster(): Cluster {
  if (running.cluster === undefined) throw new Error('the cluster was not started')
  return running.cluster
}

function theHands(): ApiHands {
  if (running.hands === undefined) throw new Error('the cluster was not started')
  return running.hands
}

/** A policy takes effect some moments after it was made. */
async function untilPolicyHolds(policed: ApiHands): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    const probe = new TargetBench(policed)
    if (codeOf(await probe.publish({ plain: 'probe' })) === 'TARGET_REJECTED') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the policy never took effect')
}

function grant(user: string, rules: readonly object[]): object {
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: user }, rules }
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  }
  return { apiVersion: 'v1', kind: 'List', items: [role, binding] }
}

/** In the namespace `policy` no Secret may have the keys `plain` and `quoted`; about the latter it says too much. */
function policy(): object {
  const name = 'no-plain'
  const spec = {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] },
      ],
    },
    validations: [
      { expression: "!('plain' in object.data)", message: 'no token may be called plain' },
      {
        expression: "!('quoted' in object.data)",
        messageExpression: "'refused: ' + string(object.data['quoted'])",
        message: 'no token may be quoted',
      },
    ],
  }
  const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'policy' } } }
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name },
        spec: { policyName: name, validationActions: ['Deny'], matchResources },
      },
    ],
  }
}
