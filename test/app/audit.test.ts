import { describe, expect, it, test } from 'vitest'
import { tokenFingerprint } from '../../src/adapters/system/token-fingerprint.ts'
import { type AuditEntry, type AuditEvent, auditEvents } from '../../src/domain/audit-entry.ts'
import { refreshTokenSpec } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed, ok } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { timeText } from '../../src/domain/time-text.ts'
import {
  aClientCredential,
  aConfidentialClient,
  aCredential,
  aRotation,
  type CredentialChanges,
  inSeconds,
} from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { Replicas } from '../support/replicas.ts'
import { World } from '../support/world.ts'

const key = 'teams/ci/claude'
const spec = refreshTokenSpec(aCredential())
const place = { store: 'TokenStore vault', storeKey: key }
const server = { provider: 'gateway', tokenHost: 'https://login.example.com' }
const down = failure('STORE_UNAVAILABLE', 'The store cannot be reached.')

function fingerprint(token = ''): string {
  return tokenFingerprint(new Sensitive(token))
}

/** A world whose next refresh is due; what it has said so far is forgotten. */
async function atRefresh(changes: CredentialChanges = {}): Promise<World> {
  const world = await World.withCredential(changes)
  await world.clock.pass(2000)
  world.audit.entries.length = 0
  return world
}

async function changed(world: World, changes: CredentialChanges): Promise<World> {
  world.apply(aCredential({ generation: 2, state: world.state(), ...changes }))
  await world.clock.pass(400)
  return world
}

async function refused(error: string): Promise<World> {
  const world = await atRefresh()
  world.endpoint.next = () => answer(400, { error })
  await world.clock.pass(400)
  return world
}

async function removed(changes: CredentialChanges = {}): Promise<World> {
  const world = await World.withCredential({ ...changes, finalized: true })
  world.sink.cleansUp = true
  return changed(world, { ...changes, deleting: true, finalized: true })
}

const revoking = { spec: { ...spec, revocationPolicy: 'Always' } } as const

/** What makes each event happen, and what its first entry says. */
const scenes: Readonly<Record<AuditEvent, readonly [() => Promise<World>, (world: World) => Partial<AuditEntry>]>> = {
  RefreshTokenPresented: [
    () => World.withCredential(),
    () => ({ ...server, sends: 1, outcome: 'issued', refreshes: 1 }),
  ],
  RefreshTokenRotated: [
    () => World.withCredential(),
    (world) => ({ successor: fingerprint(world.store.tokens.get(key)), refreshes: 1 }),
  ],
  RefreshTokenRecorded: [
    async () => {
      const world = await atRefresh()
      world.store.writeFault = down
      await world.clock.pass(400)
      return world
    },
    () => ({ ...place, refreshes: 2, tokenGeneration: 2 }),
  ],
  RefreshTokenWrittenBack: [
    () => World.withCredential(),
    (world) => ({
      ...place,
      storeVersion: 'v2',
      recorded: true,
      fingerprint: fingerprint(world.store.tokens.get(key)),
    }),
  ],
  RefreshTokenWriteBackFailed: [
    async () => {
      const world = await atRefresh()
      world.store.writeFault = down
      await world.clock.pass(400)
      return world
    },
    () => ({ code: 'STORE_UNAVAILABLE' }),
  ],
  RefreshTokenSuperseded: [
    async () => {
      const world = await atRefresh()
      world.store.beforeWrite = () => {
        world.store.beforeWrite = undefined
        world.store.put(key, world.endpoint.login())
      }
      await world.clock.pass(400)
      return world
    },
    (world) => ({
      ...place,
      outcome: 'superseded',
      successor: world.audit.of('RefreshTokenPresented')[1]?.fingerprint ?? '',
    }),
  ],
  AccessTokenRequested: [
    async () => {
      const world = new World()
      world.applyProvider({ client: aConfidentialClient })
      world.apply(aClientCredential())
      await world.start()
      return world
    },
    () => ({ ...server, outcome: 'issued' }),
  ],
  AccessTokenPublished: [
    () => World.withCredential(),
    () => ({ target: 'claude-token', outcome: 'changed', expiresAt: timeText(inSeconds(3600)), generation: 1 }),
  ],
  PreviousTokenRemoved: [
    async () => {
      const world = await World.withCredential({ spec: { target: { ...spec.target, previous: { key: 'before' } } } })
      await world.clock.pass(3700)
      return world
    },
    () => ({ target: 'claude-token' }),
  ],
  TargetRemoved: [() => removed(), () => ({ target: 'claude-token', outcome: 'removed' })],
  AccessTokenRevoked: [() => removed(revoking), () => ({ generation: 2 })],
  AccessTokenRevocationFailed: [
    async () => {
      const world = await World.withCredential({ ...revoking, finalized: true })
      await world.restart()
      world.sink.published.clear()
      return changed(world, { ...revoking, deleting: true, finalized: true })
    },
    () => ({ code: 'ACCESS_TOKEN_NOT_REVOKED' }),
  ],
  OwnershipTaken: [
    () => claimed('cluster-1/gone'),
    () => ({ ...place, storeVersion: 'v2', previousOwner: 'somebody' }),
  ],
  OwnershipDenied: [() => claimed('cluster-2/other'), () => ({ code: 'REFRESH_TOKEN_OWNED' })],
  LoginLost: [() => refused('invalid_grant'), () => ({ code: 'REFRESH_TOKEN_REJECTED' })],
  SecondSpenderSeen: [() => refused('refresh_token_reused'), () => ({ code: 'REFRESH_TOKEN_REUSED' })],
  WorkloadRestarted: [
    async () => {
      const restart = [{ kind: 'Deployment', name: 'agent' }] as const
      const world = await World.withCredential(
        { spec: { target: { ...spec.target, restart } } },
        {
          warns: false,
          readers: () => Promise.resolve(ok([])),
          annotate: () => Promise.resolve({ annotated: 0 }),
          restart: ({ unlessWaitingFor }) =>
            Promise.resolve(
              ok(unlessWaitingFor === undefined ? { kind: 'restarted', at: world.clock.now() } : { kind: 'current' }),
            ),
        },
      )
      await world.clock.pass(2400)
      return world
    },
    () => ({ workload: 'Deployment agent' }),
  ],
  Suspended: [async () => changed(await atRefresh(), { spec: { suspend: true } }), () => ({ generation: 2 })],
  Resumed: [
    async () => {
      const world = await changed(await atRefresh(), { spec: { suspend: true } })
      return changed(world, { generation: 3 })
    },
    () => ({ generation: 3 }),
  ],
  RefreshRequested: [
    async () => changed(await atRefresh(), { refreshRequest: '2027-01-15T08:00:00Z' }),
    () => ({ request: '2027-01-15T08:00:00Z' }),
  ],
  RefreshRequestHandled: [
    async () => changed(await atRefresh(), { refreshRequest: 'x'.repeat(100) }),
    () => ({ request: 'x'.repeat(64), refreshes: 2 }),
  ],
}

/** A document that names another owner. */
async function claimed(owner: string): Promise<World> {
  const world = new World()
  world.store.hasRoom = true
  world.store.put(key, world.endpoint.login())
  world.store.claims.set(key, { owner, ownerName: 'somebody', sealingKey: new Sensitive(canary('secret')) })
  world.applyProvider()
  world.applyStore()
  world.apply(aCredential())
  await world.start()
  return world
}

describe('the audit log', () => {
  test.each(Object.keys(auditEvents) as AuditEvent[])('tells of %s', async (event) => {
    const [scene, expected] = scenes[event]
    const world = await scene()
    const { uid } = aCredential()
    expect(world.audit.of(event)[0]).toMatchObject({ event, credential: 'ci/claude', uid, ...expected(world) })
    expect(world.bugs).toEqual([])
  })

  it('tells of a refresh in the order in which it happens', async () => {
    const world = await atRefresh()
    const before = world.store.tokens.get(key)
    await world.clock.pass(400)
    expect(world.audit.events()).toEqual([
      'RefreshTokenPresented',
      'RefreshTokenRotated',
      'RefreshTokenWrittenBack',
      'AccessTokenPublished',
    ])
    expect(world.audit.entries[0]).toMatchObject({ fingerprint: fingerprint(before), refreshes: 2 })
  })

  it('has no line for reconciles that did nothing', async () => {
    const world = await atRefresh()
    world.store.readFault = down
    await world.clock.pass(30)
    await world.restart()
    await world.clock.pass(60)
    expect(world.audit.entries).toEqual([])
  })

  it('tells once what is tried again and again', async () => {
    const world = await atRefresh()
    world.store.writeFault = down
    await world.clock.pass(1300)
    expect(world.audit.of('RefreshTokenWriteBackFailed')).toHaveLength(1)
    expect(world.audit.of('RefreshTokenRecorded')).toHaveLength(1)
    world.store.writeFault = undefined
    await world.clock.pass(400)
    expect(world.audit.of('RefreshTokenWrittenBack')).toHaveLength(1)
  })

  it('tells when a document that was left gets its newest token', async () => {
    const world = await atRefresh()
    world.store.writeFault = down
    await world.clock.pass(400)
    const newest = world.records.record(aCredential().uid)?.retained?.fingerprint
    const { refreshToken } = aCredential().spec
    const next = 'teams/ci/another'
    world.store.put(next, world.endpoint.login())
    world.apply(aCredential({ generation: 2, spec: { refreshToken: { ...refreshToken, key: next } } }))
    await world.clock.pass(1)
    world.store.writeFault = undefined
    await world.clock.pass(2000)
    const [written] = world.audit.of('RefreshTokenWrittenBack').filter(({ storeKey }) => storeKey === key)
    expect(written).toMatchObject({ fingerprint: newest, recorded: true })
    expect(written?.storeVersion).toMatch(/./)
  })

  it('counts a token that is presented again after its answer was lost', async () => {
    const world = await atRefresh()
    world.endpoint.leewaySeconds = 3600
    world.endpoint.now = () => world.clock.now()
    world.applyProvider({ rotation: aRotation({ reuseLeewaySeconds: 3600 }) })
    world.endpoint.next = 'lost-answer'
    await world.clock.pass(600)
    const presented = world.audit.of('RefreshTokenPresented')
    expect(presented).toMatchObject([
      { outcome: 'unknown', code: 'TOKEN_RESULT_UNKNOWN', sends: 1 },
      { outcome: 'issued', sends: 2 },
    ])
    expect(presented[0]?.fingerprint).toBe(presented[1]?.fingerprint)
  })

  it('tells what an earlier process received and could not say', async () => {
    const world = await atRefresh()
    const { uid, key: credential } = aCredential()
    const token = new Sensitive(world.store.tokens.get(key) ?? '')
    const successor = canary('rt')
    const exchange = answer(200, { access_token: canary('at'), token_type: 'Bearer', refresh_token: successor })
    if (exchange.kind !== 'answered') throw new Error('the server answers')
    const entry = { uid, credential, storeVersion: 'v2', refreshToken: token, source: spec.refreshToken, sends: 1 }
    await world.journal.answered({ ...entry, phase: 'answered', answer: exchange.answer, startedAt: world.clock.now() })
    await world.restart()
    expect(world.audit.entries.slice(0, 2)).toMatchObject([
      { event: 'RefreshTokenPresented', recovered: true, outcome: 'issued' },
      { event: 'RefreshTokenRotated', recovered: true, successor: fingerprint(successor) },
    ])
    expect(world.store.tokens.get(key)).toBe(successor)
  })

  it('tells once what a restarted process finds in its journal, though it does not lead any more', async () => {
    const world = Replicas.withCredential()
    const first = await world.leader()
    await world.clock.pass(2000)
    first.dieOf('journal.answered')
    await world.clock.pass(400)
    world.audit.entries.length = 0
    await first.restart()
    expect(world.audit.events()).toEqual(['RefreshTokenPresented', 'RefreshTokenRotated'])
    const successor = world.record()?.retained?.fingerprint
    expect(world.audit.entries).toMatchObject([
      { recovered: true, outcome: 'issued', sends: 1, generation: 1, credential: 'ci/claude' },
      { recovered: true, successor },
    ])
    await world.leader()
    await world.clock.pass(1)
    expect(world.audit.events().slice(2)).toEqual(['RefreshTokenWrittenBack', 'AccessTokenPublished'])
    expect(world.audit.of('RefreshTokenWrittenBack')[0]).toMatchObject({ fingerprint: successor })
    expect(world.bugs).toEqual([])
  })

  it('claims no removal of a target that somebody else has deleted', async () => {
    const world = await World.withCredential({ finalized: true })
    world.sink.cleansUp = true
    world.sink.published.clear()
    await changed(world, { deleting: true, finalized: true })
    expect(world.audit.of('TargetRemoved')).toMatchObject([{ target: 'claude-token', outcome: 'absent' }])
  })

  it('says of a removal whose answer was lost that it may have been made', async () => {
    const world = await World.withCredential({ finalized: true })
    world.sink.cleansUp = true
    // Under Merge the first try takes our keys out, and the next one finds nothing of ours.
    const answers = [failed(failure('TARGET_UNAVAILABLE', 'Writing Secret ci/claude-token timed out.'))]
    world.sink.remove = () => Promise.resolve(answers.shift() ?? ok('kept'))
    await changed(world, { deleting: true, finalized: true })
    await world.clock.pass(400)
    expect(answers).toEqual([])
    expect(world.audit.of('TargetRemoved')).toMatchObject([{ target: 'claude-token', outcome: 'unknown' }])
  })

  it('knows of no token that was never sent', async () => {
    const world = await atRefresh()
    world.endpoint.next = () => ({
      kind: 'not-sent',
      failure: failure('TOKEN_ENDPOINT_UNREACHABLE', 'The token endpoint cannot be reached.'),
    })
    await world.clock.pass(100)
    expect(world.audit.entries.filter(({ event }) => event === 'RefreshTokenPresented')).toEqual([])
  })
})
