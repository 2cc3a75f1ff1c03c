import { describe, expect, it } from 'vitest'
import { KubernetesSecretReader } from '../../../src/adapters/kubernetes/secret-reader.ts'
import { ApiHands } from '../../support/api-hands.ts'
import { FakeKubeClient } from '../../support/fake-kube-client.ts'
import { httpAnswer, type Script } from '../../support/scripted-token-endpoint.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { anEndpoint, answerOf, aRequest, go, scripted } from './endpoint-bench.ts'

/** A server that knows one client secret, and a client whose secret is in a cluster. */
async function bench(known = 'right') {
  const clock = new SimulatedClock()
  const cluster = new FakeKubeClient()
  const hands = new ApiHands(cluster, 'ci')
  await hands.createSecret('client', { data: { secret: 'wrong' } })
  let status = 401
  const script: Script = (socket, { body }) => {
    const isKnown = new URLSearchParams(body).get('client_secret') === known
    socket.end(httpAnswer(isKnown ? 200 : status, '{}'))
  }
  const server = await scripted({ script })
  const secrets = new KubernetesSecretReader({ client: cluster, clock, operatorNamespace: 'oauth' })
  const endpoint = anEndpoint({ clock, secrets })
  const client = {
    id: 'ci',
    authentication: 'client_secret_post',
    secretRef: { name: 'client', key: 'secret' },
  } as const
  const request = aRequest({ tokenEndpoint: server.url, client })
  return {
    clock,
    change: async (secret: string) => hands.editData('client', { secret }),
    remove: async () => hands.editData('client', { secret: '' }),
    refuseWith: (other: number) => void (status = other),
    refresh: async () => answerOf(await endpoint.request(request, go)).status,
    since: async () => endpoint.clientSince(request.provider),
    reads: () => cluster.requests.filter(({ method }) => method === 'GET').length,
  }
}

describe('a client secret', () => {
  it('that was refused is not new again by being looked at', async () => {
    const b = await bench()
    expect(await b.refresh()).toBe(401)
    for (let look = 0; look < 5; look++) {
      await b.clock.pass(11)
      expect(await b.since()).toBeUndefined()
    }
  })

  it('is new from when it was first seen', async () => {
    const b = await bench()
    await b.refresh()
    await b.change('right')
    await b.clock.pass(3)
    const at = b.clock.now()
    expect(await b.since()).toBe(at)
    await b.clock.pass(60)
    expect(await b.since()).toBe(at)
    expect(await b.refresh()).toBe(200)
  })

  it('is seen at once after a refusal, whatever the status of that', async () => {
    for (const status of [400, 401, 403]) {
      const b = await bench()
      b.refuseWith(status)
      expect(await b.refresh()).toBe(status)
      await b.change('right')
      await b.clock.pass(1)
      expect(await b.since()).toBe(b.clock.now())
    }
  })

  it('is asked for once in ten seconds, however many credentials there are', async () => {
    const b = await bench()
    await b.refresh()
    const before = b.reads()
    for (let second = 0; second < 60; second++) {
      await Promise.all(Array.from({ length: 50 }, async () => b.since()))
      await b.clock.pass(1)
    }
    expect(b.reads() - before).toBe(6)
  })

  it('that is good is asked for once a minute, as before', async () => {
    const b = await bench('wrong')
    for (let second = 0; second < 60; second++) {
      expect(await b.refresh()).toBe(200)
      await b.clock.pass(1)
    }
    expect(b.reads()).toBe(1)
  })

  it('is not new while it cannot be read', async () => {
    const b = await bench()
    await b.refresh()
    await b.remove()
    await b.clock.pass(11)
    expect(await b.since()).toBeUndefined()
  })

  it('that one credential was refused for is good again once another one got something with it', async () => {
    const b = await bench()
    await b.refresh()
    await b.change('right')
    await b.clock.pass(11)
    const at = b.clock.now()
    await b.since()
    expect(await b.refresh()).toBe(200)
    expect(await b.since()).toBe(at)
  })
})

it('a public client has nothing that could be corrected', async () => {
  expect(await anEndpoint().clientSince(aRequest({}).provider)).toBeUndefined()
})
