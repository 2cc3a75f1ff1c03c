import { describe, expect, test } from 'vitest'
import { ownPod, type OwnPodOptions } from '../../../src/adapters/kubernetes/own-pod.ts'
import { KubernetesRecordHolders } from '../../../src/adapters/kubernetes/record-holders.ts'
import type { KubeOutcome } from '../../../src/adapters/kubernetes/kube-client.ts'
import { FakeKubeClient, refused, unanswered } from '../../support/fake-kube-client.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

const namespace = 'operator'
const name = 'operator-0'
const self = { journalId: 'self', pod: { name: 'operator-1', uid: 'uid-1' } }

async function podIn(client: FakeKubeClient, status?: object): Promise<{ name: string; uid: string }> {
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, ...(status && { status }) }
  const outcome = await client.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, body })
  if (!outcome.ok) throw new Error(outcome.error.message)
  return { name, uid: (outcome.body as { metadata: { uid: string } }).metadata.uid }
}

function tokenOf(claims: object): string {
  return `header.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`
}

const denial = 'pods "x" is forbidden: User "operator" cannot get resource "pods" in API group ""'

describe('whether a holder is gone', () => {
  const phases = { Pending: false, Running: false, Unknown: false, Succeeded: true, Failed: true }

  test.each(Object.entries(phases))('a Pod in phase %s: %s', async (phase, gone) => {
    const client = new FakeKubeClient()
    const pod = await podIn(client, { phase })
    const holders = new KubernetesRecordHolders({ client, namespace, self })
    expect(await holders.isGone({ journalId: 'other', pod })).toEqual({ ok: true, value: gone })
  })

  test('a Pod whose status was never written lives', async () => {
    const client = new FakeKubeClient()
    const holders = new KubernetesRecordHolders({ client, namespace, self })
    expect(await holders.isGone({ journalId: 'other', pod: await podIn(client) })).toEqual({ ok: true, value: false })
  })

  test('a Pod that does not exist, or is another one by now, is gone', async () => {
    const client = new FakeKubeClient()
    const holders = new KubernetesRecordHolders({ client, namespace, self })
    const holder = { journalId: 'other', pod: { name, uid: 'old' } }
    expect(await holders.isGone(holder)).toEqual({ ok: true, value: true })
    await podIn(client)
    expect(await holders.isGone(holder)).toEqual({ ok: true, value: true })
  })

  test('another journal in our own Pod is gone, although the Pod lives', async () => {
    const client = new FakeKubeClient()
    const pod = await podIn(client, { phase: 'Running' })
    const holders = new KubernetesRecordHolders({ client, namespace, self: { journalId: 'self', pod } })
    expect(await holders.isGone({ journalId: 'lost', pod })).toEqual({ ok: true, value: true })
    expect(await holders.isGone({ journalId: 'self', pod })).toEqual({ ok: true, value: false })
  })

  test('another Pod of our name is asked about', async () => {
    const client = new FakeKubeClient()
    const pod = await podIn(client, { phase: 'Running' })
    const own = { journalId: 'self', pod: { name, uid: 'uid-1' } }
    const holders = new KubernetesRecordHolders({ client, namespace, self: own })
    expect(await holders.isGone({ journalId: 'other', pod })).toEqual({ ok: true, value: false })
    const nowhere = new KubernetesRecordHolders({ client, namespace, self: { journalId: 'self' } })
    expect(await nowhere.isGone({ journalId: 'other', pod })).toEqual({ ok: true, value: false })
  })

  test('nothing is asked about ourselves, nor about a holder without a Pod', async () => {
    const client = new FakeKubeClient()
    const holders = new KubernetesRecordHolders({ client, namespace, self })
    expect(await holders.isGone({ journalId: 'self', pod: { name, uid: 'old' } })).toEqual({ ok: true, value: false })
    expect(await holders.isGone({ journalId: 'other' })).toEqual({ ok: true, value: false })
    expect(client.requests).toEqual([])
  })

  const unclear: Readonly<Record<string, readonly [KubeOutcome, string]>> = {
    'no answer': [unanswered('Timeout', false), 'KUBERNETES_UNAVAILABLE'],
    'a 404 of something in between': [refused(404, 'HTTP404', 'not here'), 'KUBERNETES_UNAVAILABLE'],
    'a missing right': [refused(403, 'Forbidden', denial), 'KUBERNETES_FORBIDDEN'],
    'something that is no Pod': [{ ok: true, status: 200, body: { kind: 'Page' } }, 'KUBERNETES_UNAVAILABLE'],
  }

  test.each(Object.entries(unclear))('%s makes nobody gone', async (_what, [outcome, code]) => {
    const client = new FakeKubeClient()
    client.intercept = () => outcome
    const holders = new KubernetesRecordHolders({ client, namespace, self })
    const result = told(await holders.isGone({ journalId: 'other', pod: { name, uid: 'old' } }))
    expect(codeOf(result)).toBe(code)
    expect(messageOf(result)).toContain('Reading Pod operator/operator-0')
    if (code === 'KUBERNETES_FORBIDDEN')
      expect(messageOf(result)).toContain('may not get pods in the namespace operator.')
  })
})

describe('the own Pod', () => {
  const noToken = (): Promise<string> => Promise.reject(new Error('no file'))

  async function told(options: (pod: { name: string; uid: string }) => Partial<OwnPodOptions>): Promise<unknown> {
    const client = new FakeKubeClient()
    const pod = await podIn(client)
    const found = await ownPod({ client, namespace, readOwnToken: noToken, ...options(pod) })
    if (!found.ok) throw new Error(found.failure.message)
    return found.value === undefined ? undefined : { ...found.value, same: found.value.uid === pod.uid }
  }
  const bound = (pod: object, at = namespace): Partial<OwnPodOptions> => ({
    readOwnToken: () => Promise.resolve(tokenOf({ 'kubernetes.io': { namespace: at, pod } })),
  })

  test('is what the downward API says, and the API server knows', async () => {
    const found = expect.objectContaining({ name, same: true }) as unknown
    expect(await told(() => ({ podName: name }))).toEqual(found)
    expect(await told(({ uid }) => ({ podName: name, podUid: uid }))).toEqual(found)
  })

  test('is what the mounted token says', async () => {
    expect(await told((pod) => bound(pod))).toEqual(expect.objectContaining({ name, same: true }))
  })

  const nothing: Readonly<Record<string, (pod: { name: string; uid: string }) => Partial<OwnPodOptions>>> = {
    'nobody says': () => ({}),
    'the downward API names one that does not exist': () => ({ podName: 'laptop' }),
    'the downward API names what is no name': () => ({ podName: '../secrets/x' }),
    'the downward API has another uid': () => ({ podName: name, podUid: 'old' }),
    'the token is of another Pod with this name': () => bound({ name, uid: 'old' }),
    'the token is of another namespace': (pod) => bound(pod, 'elsewhere'),
    'the token is of no Pod': () => ({ readOwnToken: () => Promise.resolve(tokenOf({ sub: 'x' })) }),
    'the token is no token': () => ({ readOwnToken: () => Promise.resolve('abc') }),
  }

  test.each(Object.entries(nothing))('is nothing when %s', async (_what, options) => {
    expect(await told(options)).toBeUndefined()
  })

  test('is not guessed while the API server does not answer', async () => {
    const client = new FakeKubeClient()
    client.intercept = () => unanswered('ECONNREFUSED', false)
    expect(codeOf(await ownPod({ client, namespace, podName: name, readOwnToken: noToken }))).toBe(
      'KUBERNETES_UNAVAILABLE',
    )
  })
})
