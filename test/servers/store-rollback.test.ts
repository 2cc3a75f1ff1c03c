import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { operatorNamespace } from './operator-bed.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import {
  credentialAt,
  logIn,
  namespace,
  refreshTokenAt,
  startTeamCluster,
  startTeamServers,
  type TeamCluster,
  type TeamServers,
} from './team-scene.ts'

// Somebody puts a document of Vault back to an older version, as `vault kv rollback` does. Its refresh token was
// replaced before, and presenting it again would kill the login.

/** Version 1 is the login, 2 has the claim, and then there is one for each refresh. */
const versions = {
  'with the claim, of one refresh ago': 4,
  'with the claim, of before any refresh': 2,
  'of before the claim': 1,
}

interface Victim {
  readonly name: string
  readonly key: string
  readonly version: number
}

function isClaimed({ version }: Victim): boolean {
  return version > 1
}

function victims(when: string): readonly Victim[] {
  return Object.values(versions).map((version) => {
    const name = `${when}-${version}`
    return { name, key: `teams/${name}`, version }
  })
}

const running = victims('running')
const stopped = victims('stopped')
const forgotten: Victim = { name: 'forgotten', key: 'teams/forgotten', version: 4 }
const lost: Victim = { name: 'lost', key: 'teams/lost', version: 4 }
const all = [...running, ...stopped, forgotten, lost]

let servers: TeamServers
let team: TeamCluster

beforeAll(async () => {
  servers = await startTeamServers(600)
  team = await startTeamCluster(servers)
  for (const { key } of all) await logIn(servers, key)
  await team.bed.apply(...all.map(({ name }) => credentialAt(name)))
  await Promise.all(all.map(({ name }) => untilRefreshed(name, 1)))
  for (let refreshes = 2; refreshes <= 3; refreshes += 1) await refreshAll(all, refreshes)
})
afterEach(() => team?.bed.observeEverything())
afterAll(async () => {
  await team?.bed.stop()
  await servers?.stop()
})

/** Has credentials refreshed, and resolves when they say that all is well. */
async function refreshAll(those: readonly Victim[], refreshes: number): Promise<void> {
  for (const { name } of those) await team.bed.requestRefresh(namespace, name)
  await Promise.all(those.map(({ name }) => untilRefreshed(name, refreshes)))
}

async function untilRefreshed(name: string, refreshes: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const { status } = await team.bed.credential(namespace, name)
      expect(status?.refreshes).toBeGreaterThanOrEqual(refreshes)
      expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'RefreshTokenPersisted'])
    },
    { timeout: 60_000, interval: 200 },
  )
}

/** `vault kv rollback`: the old version becomes the newest. */
async function rollBack({ key, version }: Victim): Promise<void> {
  const { json } = await servers.vault.requestOrThrow('GET', `secret/data/${key}?version=${version}`)
  const { data } = json['data'] as { readonly data: Readonly<Record<string, unknown>> }
  await servers.vault.kvWrite(key, data)
  expect(await servers.server.isRefreshTokenActive(await refreshTokenAt(servers, key))).toBe(false)
}

/** Asks for a refresh until the documents hold tokens that the server takes, and then for one that uses them. */
async function expectRolledForward(those: readonly Victim[]): Promise<void> {
  for (const { name } of those) await team.bed.requestRefresh(namespace, name)
  for (const { key } of those) {
    await vi.waitFor(
      async () => expect(await servers.server.isRefreshTokenActive(await refreshTokenAt(servers, key))).toBe(true),
      { timeout: 30_000, interval: 200 },
    )
  }
  await refreshAll(those, 4)
  expectNothingSpentTwice()
}

function expectNothingSpentTwice(): void {
  expect(servers.server.statistics).toMatchObject({ refusals: 0, reuses: 0, familiesRevoked: 0 })
}

/** The record of a credential is a Secret in the operator's namespace that has its uid in its name. */
async function deleteRecord({ name }: Victim): Promise<void> {
  const { metadata } = await team.bed.credential(namespace, name)
  const names = await team.bed.cluster.kubectlOrThrow(['get', 'secrets', '-n', operatorNamespace, '-o', 'name'])
  const record = names.split('\n').filter((line) => line.includes(metadata.uid))
  expect(record).toHaveLength(1)
  await team.bed.cluster.kubectlOrThrow(['delete', '-n', operatorNamespace, ...record])
}

describe('documents that are put back to older versions', () => {
  test('while the operator runs are rolled forward, and nothing old is presented', async () => {
    for (const victim of running) await rollBack(victim)
    await expectRolledForward(running)
  })

  test('are rolled forward from memory when the record is deleted as well', async () => {
    await deleteRecord(forgotten)
    await rollBack(forgotten)
    await expectRolledForward([forgotten])
  })

  test('while the operator is stopped are rolled forward, and nothing old is presented', async () => {
    await team.operator.stop()
    for (const victim of stopped) await rollBack(victim)
    await team.operator.start({ newJournal: true })
    await expectRolledForward(stopped.filter(isClaimed))
  })

  test('of before their claim are left to a human by a new process: what opens the record is gone with the claim', async () => {
    for (const { name, key } of stopped.filter((victim) => !isClaimed(victim))) {
      await team.bed.requestRefresh(namespace, name)
      expect((await team.bed.condition(namespace, name, 'Stalled')).reason).toBe('StoreRolledBack')
      await logIn(servers, key)
      await team.bed.requestRefresh(namespace, name)
      await untilRefreshed(name, 4)
    }
    expectNothingSpentTwice()
  })
})

test('a record that is deleted alone is made anew', async () => {
  await team.operator.stop()
  await deleteRecord(lost)
  await team.operator.start({ newJournal: true })
  await refreshAll([lost], 4)
  expect(await servers.server.isRefreshTokenActive(await refreshTokenAt(servers, lost.key))).toBe(true)
  expectNothingSpentTwice()
})

test('nothing of all this makes a token, login or document visible', () => expectNothingSecret(team.bed))
