import { describe, expect, it } from 'vitest'
import { aCredential } from '../support/builders.ts'
import { Replicas } from '../support/replicas.ts'

const untilDue = 2400
const otherUid = '6f1c0a52-0000-4000-8000-000000000002'

describe('a process that leads once more', () => {
  it('knows of no owner that was deleted while it did not lead', async () => {
    const world = Replicas.withCredential()
    const first = await world.leader()
    await first.stepDown()
    world.delete(aCredential())
    world.sink.published.clear()
    world.apply(aCredential({ uid: otherUid }))
    await first.lead()
    await world.clock.pass(untilDue)
    expect(world.problem()).toBeUndefined()
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.reuses).toBe(0)
    expect(world.bugs).toEqual([])
  })

  it('still knows the owners that are there', async () => {
    const world = Replicas.withCredential()
    world.store.put('teams/ci/copy', world.stored())
    const first = await world.leader()
    await first.stepDown()
    const { spec } = aCredential()
    const copy = aCredential({
      key: { namespace: 'ci', name: 'copy' },
      uid: otherUid,
      spec: {
        refreshToken: { ...spec.refreshToken, key: 'teams/ci/copy' },
        target: { ...spec.target, name: 'copy-token' },
      },
    })
    world.apply(copy)
    await first.lead()
    await world.clock.pass(untilDue)
    expect(world.problem('ci/copy')).toBe('REFRESH_TOKEN_OWNED')
    expect(world.endpoint.reuses).toBe(0)
    expect(world.storeIsLive()).toBe(true)
  })
})
