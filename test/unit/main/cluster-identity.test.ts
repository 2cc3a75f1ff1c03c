import { expect, onTestFinished, test } from 'vitest'
import type { KubeClient, KubeOutcome } from '../../../src/adapters/kubernetes/kube-client.ts'
import { ClusterIdentity } from '../../../src/main/cluster-identity.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

/** An API server that gives the answers one after the other, and the last one for good. */
function answering(...answers: readonly KubeOutcome[]): KubeClient {
  let asked = 0
  const request = (): Promise<KubeOutcome> => {
    const answer = answers[Math.min(asked, answers.length - 1)]
    asked += 1
    return answer === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(answer)
  }
  return { request, watch: () => Promise.reject(new Error('nothing is watched')) }
}

function refused(status: number | undefined, reason: string): KubeOutcome {
  return { ok: false, error: { status, reason, message: reason, ambiguous: false } }
}

const found: KubeOutcome = {
  ok: true,
  status: 200,
  body: { metadata: { name: 'kube-system', uid: 'the uid', resourceVersion: '1' } },
}

test('why it is not known which cluster this is, is told once for each cause', async () => {
  const [clock, logger] = [new SimulatedClock(), new LogLines()]
  const dead = refused(undefined, 'ECONNREFUSED')
  const client = answering(dead, dead, dead, refused(403, 'HTTP403'), refused(403, 'HTTP403'), found)
  const identity = new ClusterIdentity({
    client,
    clock,
    logger,
    namespace: 'operators',
    journalId: 'journal',
    podName: undefined,
    podUid: undefined,
    readOwnToken: () => Promise.reject(new Error('there is none')),
  })
  onTestFinished(identity.learn())
  await clock.pass(9)
  expect(identity.known()).toBe(false)
  await clock.pass(4)
  expect(identity.known()).toBe(true)
  expect(identity.id).toBe('the uid')
  expect(logger.lines.map((line) => (JSON.parse(line) as { readonly code: string }).code)).toEqual([
    'KUBERNETES_UNAVAILABLE',
    'KUBERNETES_FORBIDDEN',
  ])
  expect(logger.lines[0]).toContain('no answer (ECONNREFUSED)')
})
