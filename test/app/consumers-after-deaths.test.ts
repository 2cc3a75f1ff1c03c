import { describe, expect, it } from 'vitest'
import type { PodReader } from '../../src/domain/readers.ts'
import { timeText } from '../../src/domain/time-text.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { MemoryConsumers } from '../support/memory-consumers.ts'
import { Replicas, type Replica } from '../support/replicas.ts'

// Nobody is forgotten who is to be told of a token, whatever call the process dies of, and whoever comes next.

const agent = { kind: 'Deployment', name: 'agent' } as const
const pod: PodReader = { name: 'agent-1', mounts: true, bySubPath: false, fromEnvironment: false }

const calls = [
  'journal.armed',
  'records.replace',
  'journal.sent',
  'endpoint.request',
  'journal.answered',
  'store.writeBack',
  'sink.publish',
  'journal.settled',
  'status.write',
  'consumers.readers',
  'consumers.annotate',
  'consumers.restart',
]

interface Scene {
  readonly world: Replicas
  readonly consumers: MemoryConsumers
  /** What was in the target at the last restart of the workload. */
  readonly begunWith: () => string | undefined
}

/** A workload that runs also without the Secret, and a pod that has it mounted. */
function scene(): Scene {
  const { target } = aCredential().spec
  const world = Replicas.withCredential({
    spec: { target: { ...target, propagation: 'AnnotatePods', restart: [agent] } },
  })
  // Where an answer is lost with the process, the server takes the same refresh token once more.
  world.endpoint.leewaySeconds = 86_400
  world.applyProvider({ rotation: aRotation({ reuseLeewaySeconds: 86_400 }) })
  const consumers = new MemoryConsumers()
  consumers.clock = world.clock
  consumers.optional.add('Deployment agent')
  consumers.pods.set(pod.name, pod)
  let begunWith: string | undefined
  consumers.atRestart = () => void (begunWith = world.podToken())
  world.consumers = consumers
  return { world, consumers, begunWith: () => begunWith }
}

const successors: Readonly<Record<string, (world: Replicas, dead: Replica) => Promise<void>>> = {
  'the same container, started again': async (_, dead) => {
    await dead.restart()
    await dead.lead()
  },
  'another replica, while the container is started again': async (world, dead) => {
    await world.leader()
    await world.clock.pass(60)
    await dead.restart()
  },
  'another replica, after the Pod and its journal are gone': async (world, dead) => {
    dead.loseItsPod()
    await world.leader()
  },
}

async function expectTold({ world, consumers, begunWith }: Scene): Promise<void> {
  await world.clock.pass(900)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(begunWith()).toBe(world.podToken())
  const { consumers: told } = world.state()
  expect(consumers.pods.get(pod.name)?.annotation).toBe(told && timeText(told.writtenAt))
  expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True', reason: 'Notified' })
  expect(world.bugs).toEqual([])
}

describe.each(Object.entries(successors))('when %s goes on', (_, succeed) => {
  it.each(calls)('everybody reads the next token although a process died of %s', async (call) => {
    const scenery = scene()
    const { world } = scenery
    const first = await world.leader()
    await world.clock.pass(900)
    first.dieOf(call)
    for (let minute = 0; minute < 90 && !first.isDead; minute += 1) await world.clock.pass(60)
    expect(first.isDead).toBe(true)
    await succeed(world, first)
    await expectTold(scenery)
  })

  it.each(calls.slice(calls.indexOf('sink.publish')))(
    'everybody reads the first token although a process died of %s',
    async (call) => {
      const scenery = scene()
      const { world } = scenery
      const first = world.replica()
      first.dieOf(call)
      await first.lead()
      await world.clock.pass(60)
      expect(first.isDead).toBe(true)
      await succeed(world, first)
      await expectTold(scenery)
    },
  )

  it('a workload is restarted once for a token, although the process died before the status said so', async () => {
    const scenery = scene()
    const { world, consumers } = scenery
    const first = await world.leader()
    await world.clock.pass(900)
    const before = consumers.restarts.length
    first.after('consumers.restart', () => first.dieOf('status.write'))
    for (let minute = 0; minute < 90 && !first.isDead; minute += 1) await world.clock.pass(60)
    await succeed(world, first)
    await expectTold(scenery)
    expect(consumers.restarts.length - before).toBe(1)
  })
})
