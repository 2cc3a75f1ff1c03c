import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { intentOverMs } from '../../src/app/intent-watches.ts'
import {
  beginHeld,
  type LostReplicaScene,
  type Name,
  namespace,
  rolesOf,
  startLostReplicaScene,
} from './lost-replica-scene.ts'
import { expectNothingSecret } from './printed-secrets.ts'

// A leader that is lost after its request has left, when only the token endpoint knows what came of it. Every refresh
// token is good for one use, and a second use kills the login.

const bothAtOnceSeconds = 20
/** The Lease runs out after fifteen seconds, and candidates look every 4.4 at most. */
const takeoverMs = 25_000
/** How often an intent of somebody else is looked at, and room for a slow machine. */
const lookMs = 10_000
const slackMs = 10_000

let scene: LostReplicaScene

beforeAll(async () => {
  scene = await startLostReplicaScene()
})
afterEach(() => scene?.bed.observeEverything())
afterAll(() => scene?.stop())

async function expectUnderWay(name: Name, pod: string): Promise<void> {
  const condition = await scene.bed.condition(namespace, name, 'Reconciling')
  expect(condition.reason).toBe('RefreshUnderWay')
  expect(condition.message).toContain(`Pod ${pod}`)
}

/** Resolves when a credential has got its second token, and says so. */
async function untilRefreshed(name: Name, withinMs: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const { status } = await scene.bed.credential(namespace, name)
      // The refresh that was asked for, and once more where its answer came from the lost one: nobody knows that it was this.
      expect(status?.refreshes).toBeGreaterThanOrEqual(2)
      const known = status?.conditions?.map((condition) => `${condition.type}=${condition.status}`)
      expect(known?.toSorted()).toEqual(['Ready=True', 'RefreshTokenPersisted=True'])
    },
    { timeout: withinMs, interval: 200 },
  )
}

async function storedToken(name: Name): Promise<string> {
  if (name === 'journaled') return String((await scene.vault.kvRead('teams/journaled')).data?.['refresh_token'])
  return (await scene.bed.secret(namespace, `${name}-login`))?.data['refresh_token'] ?? ''
}

async function publishedToken(name: Name): Promise<string> {
  return (await scene.bed.secret(namespace, `${name}-token`))?.data['access_token'] ?? ''
}

/** That both tokens of a credential are the newest, once a refresh is over that may be under way: the request, fulfilled once more. */
async function expectWhole(name: Name): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await scene.server.isRefreshTokenActive(await storedToken(name))).toBe(true)
      expect(await scene.server.isActive(await publishedToken(name))).toBe(true)
    },
    { timeout: slackMs, interval: 200 },
  )
}

describe('a leader that is lost in the middle of a refresh', () => {
  test('and comes back when another one leads has its answer kept, and its token is not spent again', async () => {
    const { server, endpoints } = scene
    const { leader, standby } = await rolesOf(scene)
    const before = await publishedToken('stopped')
    await beginHeld(scene, 'stopped', 'answer')
    leader.process.pause()
    const paused = sleep(bothAtOnceSeconds * 1000)
    await vi.waitFor(async () => expect(await standby.process.leads()).toBe(true), {
      timeout: takeoverMs,
      interval: 200,
    })
    await expectUnderWay('stopped', leader.process.identity)
    await paused
    leader.process.resume()
    endpoints.stopped.release()
    await untilRefreshed('stopped', lookMs + slackMs)
    expect(await publishedToken('stopped')).not.toBe(before)
    await expectWhole('stopped')
    // Nobody has told the user that the request was fulfilled, so the new leader may fulfil it with the new token.
    expect(endpoints.stopped.requests).toBeLessThanOrEqual(3)
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
    expect(await leader.process.leads()).toBe(false)
  })

  test('tells its answer from its journal when it is started again, and the new leader puts it into Vault', async () => {
    const { server, endpoints, vaultRelay } = scene
    const { leader, standby } = await rolesOf(scene)
    await beginHeld(scene, 'journaled', 'answer')
    leader.api.cut()
    vaultRelay.cut()
    endpoints.journaled.release()
    await sleep(1500)
    await leader.process.kill()
    leader.api.mend()
    vaultRelay.mend()
    expect(await server.isRefreshTokenActive(await storedToken('journaled'))).toBe(false)
    await vi.waitFor(async () => expect(await standby.process.leads()).toBe(true), {
      timeout: takeoverMs,
      interval: 200,
    })
    await expectUnderWay('journaled', leader.process.identity)
    await leader.process.start()
    await untilRefreshed('journaled', 2 * lookMs + slackMs)
    expect(await leader.process.leads()).toBe(false)
    await expectWhole('journaled')
    // As above: the answer was brought home, and the request may be fulfilled once more.
    expect(endpoints.journaled.requests).toBeLessThanOrEqual(3)
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
  })

  test('for good is waited for as long as its request may be on the way, and then its tokens are presented once more', async () => {
    const { bed, server, endpoints } = scene
    const { leader, standby } = await rolesOf(scene)
    await Promise.all([
      beginHeld(scene, 'lost', 'answer'),
      beginHeld(scene, 'lenient', 'answer'),
      beginHeld(scene, 'unreached', 'request'),
    ])
    await leader.process.kill()
    const killedAtMs = performance.now()
    await bed.deletePod(leader.process.identity)
    await vi.waitFor(async () => expect(await standby.process.leads()).toBe(true), {
      timeout: takeoverMs,
      interval: 200,
    })
    const three = ['lost', 'lenient', 'unreached'] as const
    for (const name of three) await expectUnderWay(name, leader.process.identity)
    await sleep(intentOverMs - slackMs)
    expect(three.map((name) => endpoints[name].requests)).toEqual([2, 2, 2])
    await untilRefreshed('unreached', 2 * lookMs + slackMs)
    expect(performance.now() - killedAtMs).toBeGreaterThan(intentOverMs)
    await untilRefreshed('lenient', lookMs)
    for (const name of ['lenient', 'unreached'] as const) await expectWhole(name)
    const stalled = await bed.condition(namespace, 'lost', 'Stalled')
    expect(stalled.reason).toBe('LostResponse')
    expect(three.map((name) => endpoints[name].requests)).toEqual([3, 3, 3])
    expect(server.statistics).toMatchObject({ refusals: 1, reuses: 1 })
  }, 240_000)

  test('prints no token, login or document anywhere', () => expectNothingSecret(scene.bed))
})
