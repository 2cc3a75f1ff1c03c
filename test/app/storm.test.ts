import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { noState } from '../../src/domain/credential-state.ts'
import { failure } from '../../src/domain/failures.ts'
import type { TokenExchange } from '../../src/domain/token-exchange.ts'
import { aCredential, refreshedState } from '../support/builders.ts'
import { World } from '../support/world.ts'

const count = 1000
const limits = { requestsPerSecond: 5, maxConcurrent: 2 }
const latencyMs = 250

/** What reached the token host, or would have. */
interface Request {
  readonly atMs: number
  readonly token: string
  readonly served: boolean
}

/** A world of many credentials of one provider. The token host can be taken away, and takes its time. */
class Storm {
  readonly world = new World()
  readonly requests: Request[] = []
  isDown = false
  mostAtOnce = 0
  #atOnce = 0

  constructor(stateOf: (index: number) => Credential['state'], limitsThen = limits) {
    this.#slowDown()
    this.world.applyProvider({ limits: limitsThen })
    this.world.applyStore()
    for (let index = 0; index < count; index += 1) this.#add(index, stateOf(index))
  }

  served(): readonly Request[] {
    return this.requests.filter(({ served }) => served)
  }

  /** The most requests that were started within any second. */
  mostInASecond(): number {
    const starts = this.requests.map(({ atMs }) => atMs)
    return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + 1000).length))
  }

  #add(index: number, state: Credential['state']): void {
    const { spec } = aCredential()
    const name = nameOf(index)
    const { world } = this
    world.store.put(name, world.endpoint.login())
    world.apply(
      aCredential({
        key: { namespace: 'ci', name },
        uid: name,
        state,
        spec: {
          refreshToken: { store: { kind: 'TokenStore', name: 'vault' }, key: name },
          target: { ...spec.target, name },
        },
      }),
    )
  }

  #slowDown(): void {
    const { endpoint, clock } = this.world
    const serve = endpoint.request.bind(endpoint)
    endpoint.request = async (request, beforeSend): Promise<TokenExchange> => {
      const token = request.grant.type === 'refresh_token' ? request.grant.refreshToken.reveal() : ''
      this.requests.push({ atMs: clock.monotonicMs(), token, served: !this.isDown })
      this.#atOnce += 1
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce)
      await new Promise<void>((resolve) => void clock.wakeAfter(latencyMs, resolve))
      const exchange = this.isDown ? unreachable() : await serve(request, beforeSend)
      this.#atOnce -= 1
      return exchange
    }
  }
}

function nameOf(index: number): string {
  return `c-${index}`
}

function unreachable(): TokenExchange {
  const cause = failure('TOKEN_ENDPOINT_UNREACHABLE', 'The token endpoint of OAuthProvider ci/gateway is away.')
  return { kind: 'not-sent', failure: cause }
}

/** Token number `index` ends after `lifeOf(index)` seconds; all of them are due. */
function lifeOf(index: number): number {
  // Not in the order of the names: every number below `count` comes once.
  return 600 + ((index * 607) % count)
}

describe('a thousand due credentials whose token host is away for an hour', () => {
  it('are refreshed within the budget, in the order in which their tokens end', async () => {
    const storm = new Storm((index) => refreshedState(7200 - lifeOf(index), 7200))
    const { world } = storm
    const seeds = [...world.store.tokens.values()]
    const names = new Map(seeds.map((token, index) => [token, index]))
    storm.isDown = true
    await world.start()
    await world.clock.pass(3600)

    const tried = new Set(storm.requests.map(({ token }) => names.get(token)))
    const untried = seeds.map((_, index) => index).filter((index) => !tried.has(index))
    expect(untried.length).toBeGreaterThan(count - 100)
    for (const index of untried) {
      const state = world.state(`ci/${nameOf(index)}`)
      expect(state).toMatchObject({ consecutiveFailures: 0 })
      expect(state.lastFailure).toBeUndefined()
      expect(world.condition('Reconciling', `ci/${nameOf(index)}`)?.reason).toBe('TokenHostUnavailable')
    }
    // But for those who had their turn when the circuit opened, who has to wait reads nothing.
    expect(world.store.reads - storm.requests.length).toBeLessThan(12)
    expect(world.journal.kept.size).toBe(0)
    expect([...world.engine.tokenHosts.gauges()].map(({ circuit }) => circuit)).not.toContain('closed')

    storm.isDown = false
    const backMs = world.clock.monotonicMs()
    await world.clock.pass(600)
    const served = storm.served()
    expect(new Set(served.map(({ token }) => token)).size).toBe(count)
    expect(served).toHaveLength(count)
    expect(storm.mostInASecond()).toBeLessThanOrEqual(limits.requestsPerSecond)
    expect(storm.mostAtOnce).toBeLessThanOrEqual(limits.maxConcurrent)
    expect(((served.at(-1)?.atMs ?? Infinity) - backMs) / 1000).toBeLessThan(
      1.2 * (count / limits.requestsPerSecond) + 72,
    )

    const lives = served
      .map(({ token }) => names.get(token) ?? -1)
      .filter((index) => !tried.has(index))
      .map(lifeOf)
    expect(lives).toEqual(lives.toSorted((one, other) => one - other))
    expect(world.measured.counts.get('circuitOpened gateway')).toBe(1)
    expect(world.log.lines.filter((line) => line.includes('answers again'))).toHaveLength(1)
    expect([...world.engine.tokenHosts.gauges()]).toEqual([{ provider: 'gateway', waiting: 0, circuit: 'closed' }])
    expect(world.endpoint.reuses).toBe(0)
    expect(world.bugs).toEqual([])
    // Waiting is no news of a credential.
    const told = world.events.reasons().filter((reason) => reason === 'RefreshFailed' || reason === 'Recovered')
    expect(told.length).toBeLessThanOrEqual(2 * tried.size)
  })
})

describe('many that are due at once', () => {
  it('wait in the order in which their tokens end, whichever asked first', async () => {
    const storm = new Storm((index) => refreshedState(7200 - lifeOf(index), 7200))
    const { world } = storm
    const names = new Map([...world.store.tokens.values()].map((token, index) => [token, index]))
    await world.start()
    await world.clock.pass(260)
    const lives = storm.requests.map(({ token }) => lifeOf(names.get(token) ?? -1))
    expect(lives).toHaveLength(count)
    // Those that asked while there was room had their turn before the others asked.
    const later = lives.slice(limits.maxConcurrent + 2 * limits.requestsPerSecond)
    expect(later).toEqual(later.toSorted((one, other) => one - other))
  })

  it('are not refreshed again by a restart', async () => {
    const storm = new Storm(() => noState, { requestsPerSecond: 1000, maxConcurrent: 500 })
    const { world } = storm
    await world.start()
    await world.clock.pass(30)
    expect(storm.served()).toHaveLength(count)
    await world.restart()
    await world.clock.pass(60)
    expect(storm.served()).toHaveLength(count)
    expect([...world.resources.credentials()]).toHaveLength(count)
  })
})
