import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import type { ResponseForm } from '../../src/domain/provider.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aCredential, aProvider } from '../support/builders.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'
import { documentKey, type Replica, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  expectAtWork,
  heir,
  hour,
  movedTo,
  otherKey,
  twoDocuments,
} from '../support/two-documents.ts'

// An answer waits in the journal, in a form that its provider describes, and that provider is another one or gone by then.

const unwritable = failure('JOURNAL_UNAVAILABLE', 'It could not be written.')

type Answer = Readonly<Record<string, unknown>>

/** A server whose answers are as `change` makes them, and a provider that says so. */
function answering(world: Replicas, response: Partial<ResponseForm>, change: (answer: Answer) => Answer): void {
  const { endpoint } = world
  const request = endpoint.request.bind(endpoint)
  endpoint.request = async (asked, beforeSend, answered) => {
    const exchange = await request(asked, beforeSend)
    if (exchange.kind !== 'answered') return exchange
    const members = JSON.parse(exchange.answer.body.reveal()) as Answer
    const answer = { ...exchange.answer, body: new Sensitive(JSON.stringify(change(members))) }
    answered?.(answer)
    return { ...exchange, answer }
  }
  world.applyProvider({ response: { errors: [], ...response } })
}

/** The refresh token stands deeper than anybody looks who was not told. */
function nested(world: Replicas): Replicas {
  answering(world, { refreshToken: '/data/session/refresh_token' }, ({ refresh_token, ...rest }) => ({
    ...rest,
    data: { session: { refresh_token } },
  }))
  return world
}

/** A process that died when its journal had the answer, and nothing else had. */
async function diesWithAnswer(world: Replicas, before: () => void = () => undefined): Promise<Replica> {
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  before()
  first.dieOf('journal.answered')
  await world.clock.pass(afterDue)
  expect(first.isDead).toBe(true)
  return first
}

describe('an answer in the journal is read as its provider described it', () => {
  it('where its credential was deleted and made anew', async () => {
    const world = nested(twoDocuments())
    const first = await diesWithAnswer(world)
    world.delete(aCredential())
    world.sink.published.clear()
    await first.restart()
    world.apply(heir(documentKey))
    await first.lead()
    await world.clock.pass(2 * hour)
    expectAtWork(world)
  })

  it('where the provider is not there for a moment', async () => {
    const world = nested(twoDocuments())
    const first = await diesWithAnswer(world)
    const seesAll = first.seesAll.bind(first)
    first.seesAll = () => {
      seesAll()
      first.operator.resources.deleted('OAuthProvider', 'ci', aProvider().name)
    }
    await first.restart()
    first.seesAll = seesAll
    await first.lead()
    await world.clock.pass(2 * hour)
    expectAtWork(world)
  })

  it('where the provider describes another form by now', async () => {
    const world = nested(twoDocuments())
    const first = await diesWithAnswer(world)
    world.applyProvider({ response: { errors: [] } })
    await first.restart()
    await first.lead()
    await world.clock.pass(60)
    expect(world.storeIsLive()).toBe(true)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('unless a human has corrected what it says, and that finds the refresh token', async () => {
    const world = nested(twoDocuments())
    const { response } = world.manifests.provider
    const first = await diesWithAnswer(world, () => world.applyProvider({ response: { errors: [] } }))
    world.applyProvider({ response })
    await first.restart()
    await first.lead()
    await world.clock.pass(60)
    expect(world.storeIsLive()).toBe(true)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('where its credential names another document and another provider by now', async () => {
    const world = nested(twoDocuments())
    const first = await diesWithAnswer(world)
    const moved = movedTo(otherKey)
    const spec = { ...moved.spec, provider: { kind: 'OAuthProvider', name: 'plain' } }
    world.apply({ ...moved, spec } as Credential)
    const seesAll = first.seesAll.bind(first)
    first.seesAll = () => {
      const provider = { ...aProvider(), name: 'plain' }
      first.operator.resources.upserted('OAuthProvider', { type: 'provider', provider })
      seesAll()
    }
    await first.restart()
    await first.lead()
    await world.clock.pass(600)
    expect(world.storeIsLive(documentKey)).toBe(true)
  })

  it.each([documentKey, otherKey])('and not as another one describes its own, at %s', async (key) => {
    const world = twoDocuments()
    world.endpoint.rotates = false
    const first = await diesWithAnswer(world)
    const before = world.stored()
    const moved = movedTo(key)
    const spec = { ...moved.spec, provider: { kind: 'OAuthProvider', name: 'long-lived' } }
    world.apply({ ...moved, spec } as Credential)
    const seesAll = first.seesAll.bind(first)
    first.seesAll = () => {
      const provider = { ...aProvider({ response: { errors: [], refreshToken: '/access_token' } }), name: 'long-lived' }
      first.operator.resources.upserted('OAuthProvider', { type: 'provider', provider })
      seesAll()
    }
    await first.restart()
    await first.lead()
    await world.clock.pass(60)
    expect(world.stored()).toBe(before)
  })

  it.each([false, true])("and no other one's refresh token beside it is taken for it, gone: %s", async (isGone) => {
    const world = twoDocuments()
    const pointers = { accessToken: '/authed_user/access_token', refreshToken: '/authed_user/refresh_token' }
    const bot = { ok: true, access_token: 'bot-at-000000', refresh_token: 'bot-rt-000000', expires_in: 3600 }
    answering(world, pointers, (user) => ({ ...bot, authed_user: user }))
    const first = await diesWithAnswer(world)
    if (isGone) world.delete(aCredential())
    if (isGone) world.sink.published.clear()
    await first.restart()
    if (isGone) world.apply(heir(documentKey))
    await first.lead()
    await world.clock.pass(2 * hour)
    expect(world.stored()).not.toBe(bot.refresh_token)
    expectAtWork(world)
  })
})

it('what came for a place that was left, and the journal could not take, is announced as lost to nobody', async () => {
  const world = twoDocuments()
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  const { journal, records } = first
  const answered = journal.answered.bind(journal)
  journal.answered = () => Promise.resolve(failed(unwritable))
  world.store.writeFault = unwritable
  records.afterReplace = () => {
    records.replaceFault = unwritable
  }
  await world.clock.pass(afterDue)
  journal.answered = answered
  // Whoever finds an intent of nobody takes its answer for lost, and presents the token once more.
  const holders: unknown[] = []
  records.afterReplace = () => {
    const { intent } = world.record() ?? {}
    if (intent !== undefined) holders.push(intent.holder?.journalId)
  }
  world.apply(movedTo(otherKey))
  records.replaceFault = undefined
  await world.clock.pass(600)
  expect(holders).not.toContain(undefined)
  world.store.writeFault = undefined
  await world.clock.pass(hour)
  expect(world.storeIsLive(documentKey)).toBe(true)
  expect(world.endpoint.reuses).toBe(0)
})
