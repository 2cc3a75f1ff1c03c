import { expect, test } from 'vitest'
import type { KubeOutcome, KubeRequest } from '../../../src/adapters/kubernetes/kube-client.ts'
import { ApiHands } from '../../support/api-hands.ts'
import { canary } from '../../support/canary.ts'
import { FakeKubeClient, refused, unanswered } from '../../support/fake-kube-client.ts'
import { codeOf, messageOf, TargetBench } from '../../support/target-bench.ts'

function bench(): { b: TargetBench; server: FakeKubeClient } {
  const server = new FakeKubeClient()
  return { b: new TargetBench(new ApiHands(server, 'ci')), server }
}

/** Answers writes in its own way; reads go through. */
function onWrite(
  server: FakeKubeClient,
  answer: (carryOut: () => KubeOutcome, request: KubeRequest) => KubeOutcome,
): void {
  server.intercept = (request, carryOut) => (request.method === 'GET' ? carryOut() : answer(carryOut, request))
}

function onRead(server: FakeKubeClient, answer: (carryOut: () => KubeOutcome) => KubeOutcome): void {
  server.intercept = (request, carryOut) => (request.method === 'GET' ? answer(carryOut) : carryOut())
}

test('a creation whose answer was lost is found to be ours, and mended by the next publication', async () => {
  const { b, server } = bench()
  onWrite(server, (carryOut) => {
    carryOut()
    return unanswered('Timeout', true)
  })
  expect(codeOf(await b.publish())).toBe('TARGET_UNAVAILABLE')
  onWrite(server, (carryOut) => carryOut())
  const token = canary('at')
  await b.published({ access_token: token })
  expect(await b.hands.data(b.name)).toEqual({ access_token: token })
})

test('a refresh whose answer was lost is not the end of the next one', async () => {
  const { b, server } = bench()
  await b.published()
  onWrite(server, (carryOut) => {
    carryOut()
    return unanswered('ECONNRESET', true)
  })
  expect(codeOf(await b.publish())).toBe('TARGET_UNAVAILABLE')
  onWrite(server, (carryOut) => carryOut())
  await b.published()
})

test('a creation that went through after all, behind a conflict, is followed', async () => {
  const { b, server } = bench()
  let first = true
  onWrite(server, (carryOut) => {
    if (!first) return carryOut()
    first = false
    carryOut()
    return refused(409, 'AlreadyExists', 'secrets "x" already exists')
  })
  const token = canary('at')
  await b.published({ access_token: token })
  expect(await b.hands.data(b.name)).toEqual({ access_token: token })
})

test('a Secret that changes at every write is left to a later try', async () => {
  const { b, server } = bench()
  await b.published()
  onWrite(server, () => refused(409, 'Conflict', 'the object has been modified'))
  server.requests.splice(0)
  const result = await b.publish()
  expect(codeOf(result)).toBe('TARGET_UNAVAILABLE')
  expect(messageOf(result)).toContain(`Secret ci/${b.name} is changed by somebody else`)
  expect(server.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(4)
  const merged = b.as({ creationPolicy: 'Merge' })
  expect(codeOf(await merged.sink.remove(merged.identity))).toBe('TARGET_UNAVAILABLE')
})

test('a Secret that cannot be read is not written', async () => {
  const { b, server } = bench()
  onRead(server, () => unanswered('ECONNREFUSED', false))
  expect(await b.observed()).toBe('TARGET_UNAVAILABLE')
  expect(codeOf(await b.publish())).toBe('TARGET_UNAVAILABLE')
  const merged = b.as({ creationPolicy: 'Merge' })
  expect(codeOf(await merged.sink.remove(merged.identity))).toBe('TARGET_UNAVAILABLE')
  expect(server.requests.every(({ method }) => method === 'GET')).toBe(true)
})

test('an answer that is no Secret is not taken for one', async () => {
  const { b, server } = bench()
  onRead(server, () => ({ ok: true, status: 200, body: { kind: 'Secret', metadata: {} } }))
  expect(await b.observed()).toBe('TARGET_UNAVAILABLE')
  expect(codeOf(await b.publish())).toBe('TARGET_UNAVAILABLE')
})

test('an answer to a write that says nothing costs a read, and nothing else', async () => {
  const { b, server } = bench()
  onWrite(server, (carryOut) => {
    carryOut()
    return { ok: true, status: 200, body: {} }
  })
  await b.published()
  await b.published()
  onWrite(server, (carryOut) => carryOut())
  await b.published()
  expect(await b.observed()).toMatchObject({ kind: 'ours', intact: true })
})

test('a missing right to write is told by its name', async () => {
  const { b, server } = bench()
  const denial = 'secrets "x" is forbidden: User "op" cannot patch resource "secrets" in API group ""'
  onWrite(server, () => refused(403, 'Forbidden', denial))
  const result = await b.publish()
  expect(codeOf(result)).toBe('KUBERNETES_FORBIDDEN')
  expect(messageOf(result)).toContain('the operator may not create and patch secrets in the namespace ci.')
})

test('a name that could leave its place in the path is not asked for', async () => {
  const { b, server } = bench()
  const odd = b.as({ name: '../configmaps/x' })
  expect(await odd.observed()).toBe('TARGET_REJECTED')
  expect(server.requests).toEqual([])
})

test('an access token is never asked back, nor in the path or the query', async () => {
  const { b, server } = bench()
  const token = canary('at')
  await b.published({ access_token: token })
  await b.published({ access_token: token })
  for (const { method, accept, path, query } of server.requests) {
    if (method === 'PATCH') expect(accept).toContain('as=PartialObjectMetadata')
    expect(JSON.stringify([path, query])).not.toContain(token)
  }
})

test('a release that fails after a change of policy is made up for', async () => {
  const { b, server } = bench()
  await b.published()
  const merged = b.as({ creationPolicy: 'Merge' })
  let writes = 0
  onWrite(server, (carryOut) => {
    writes += 1
    return writes === 2 ? unanswered('ECONNREFUSED', false) : carryOut()
  })
  expect(codeOf(await merged.publish())).toBe('TARGET_UNAVAILABLE')
  await merged.published()
  expect((await b.hands.metadata(b.name))['ownerReferences'] ?? []).toEqual([])
})

test('a target that may not be deleted is emptied, stays the credential’s, and takes its next token', async () => {
  const { b, server } = bench()
  await b.published()
  const denial = 'secrets "x" is forbidden: User "operator" cannot delete resource "secrets" in API group ""'
  onWrite(server, (carryOut, { method }) => (method === 'DELETE' ? refused(403, 'Forbidden', denial) : carryOut()))
  expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
  expect(await b.hands.data(b.name)).toEqual({})
  const { annotations = {}, ownerReferences } = await b.hands.metadata(b.name)
  expect(annotations).toEqual({})
  expect(ownerReferences).toMatchObject([{ uid: b.identity.credentialUid }])
  expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
  await b.published()
  expect(await b.observed()).toMatchObject({ kind: 'ours', intact: true })
})

test('a removal that the API server does not answer is told', async () => {
  const { b, server } = bench()
  await b.published()
  onWrite(server, () => unanswered('ECONNRESET', true))
  const result = await b.sink.remove(b.identity)
  expect(codeOf(result)).toBe('TARGET_UNAVAILABLE')
  onRead(server, () => unanswered('ECONNRESET', false))
  expect(codeOf(await b.sink.remove(b.identity))).toBe('TARGET_UNAVAILABLE')
})
