import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { claimMember } from '../../src/domain/document-claim.ts'
import { failureRegistry } from '../../src/domain/failure-registry.ts'
import { invalidManifests } from '../support/invalid-manifests.ts'
import { changed } from '../support/manifests.ts'
import { type BadInput, badInputs, foreignData, leftAlone, loginDocument } from './bad-input-cases.ts'
import {
  type BadInputScene,
  credentialOf,
  documentPath,
  grantEverything,
  namespace,
  startBadInputScene,
} from './bad-input-scene.ts'
import { unclaimed } from './claimed-document.ts'
import type { SecretObject } from './operator-bed.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import type { KvAnswer } from './vault.ts'

// Everything is wrong at the same time, in one namespace with one operator; then everything is mended at the same time.

const wrong = Object.entries({ ...badInputs, ...leftAlone })
const refusals = wrong.reduce((total, [, { refusals: count = 0 }]) => total + count, 0)

/** What is where before the operator sees the credential. */
interface Before {
  readonly document: KvAnswer
  readonly target: SecretObject | undefined
}

let scene: BadInputScene
const before = new Map<string, Before>()

beforeAll(async () => {
  scene = await startBadInputScene()
  const { bed, vault } = scene
  const manifests = await Promise.all(wrong.map(([, input]) => made(input)))
  for (const name of ['fine', 'read-only']) await vault.kvWrite(documentPath(name), await loginDocument(scene), 0)
  await bed.apply(...manifests.flat(), credentialOf('fine'), credentialOf('read-only'))
})
afterEach(() => scene?.bed.observeEverything())
afterAll(() => scene?.stop())

async function made({ name, document, make }: BadInput): Promise<readonly object[]> {
  const { bed, vault } = scene
  const content = await (document ?? loginDocument)(scene)
  if (content !== undefined) await vault.kvWrite(documentPath(name), content, 0)
  const manifests = await make(scene)
  before.set(name, {
    document: await vault.kvRead(documentPath(name)),
    target: await bed.secret(namespace, `${name}-token`),
  })
  return manifests
}

/** The parts of a credential that tell what is wrong, and that nothing was touched. */
async function expectTold({ name, code, shownAs, names }: BadInput): Promise<void> {
  const { bed, operator } = scene
  const { reason, remedy } = failureRegistry[code]
  const condition = await bed.condition(namespace, name, shownAs)
  expect(condition.message).toContain(remedy)
  for (const what of names) expect(condition.message).toContain(what)
  const { status } = await bed.credential(namespace, name)
  const conditions = new Map(status?.conditions?.map((one) => [one.type, one]))
  const shown = shownAs === 'Stalled' ? reason : 'RefreshFailed'
  expect(conditions.get('Ready')).toMatchObject({ status: 'False', reason: shown })
  expect(conditions.has('Stalled') && conditions.has('Reconciling')).toBe(false)
  expect(status?.lastFailure).toMatchObject({ code })
  if (shownAs === 'Stalled') {
    expect(condition.reason).toBe(reason)
    const stalled = (await operator.metrics()).value('oauthcredential_stalled', { namespace, name, reason })
    expect(stalled).toBe(1)
  }
}

/** One Warning with the remedy, and nothing else, however often it was looked at. */
async function expectToldOnce({ name, code, names }: BadInput): Promise<void> {
  const { bed } = scene
  const events = await vi.waitFor(
    async () => {
      const found = await bed.events(namespace, name)
      expect(found.length).toBeGreaterThan(0)
      return found
    },
    { timeout: 5000, interval: 100 },
  )
  const told = events.map(({ type, reason, note }) => `${type} ${reason}: ${note}`)
  expect(told).toEqual([expect.stringMatching(/^Warning /)])
  for (const what of [failureRegistry[code].remedy, ...names]) expect(events[0]?.note).toContain(what)
}

/** The document as it was before the operator put its claim in, which makes one version more. */
function unclaimedAnswer({ data, version = 0, ...answer }: KvAnswer): KvAnswer {
  if (data?.[claimMember] === undefined) return { ...answer, ...(data && { data, version }) }
  return { ...answer, data: unclaimed(data), version: version - 1 }
}

async function expectUntouched({ name }: BadInput): Promise<void> {
  const { bed, vault } = scene
  const { document, target } = before.get(name) ?? {}
  expect(unclaimedAnswer(await vault.kvRead(documentPath(name)))).toEqual(document)
  expect(await bed.secret(namespace, `${name}-token`)).toEqual(target)
}

describe('what is wrong', () => {
  test.each(wrong)('is told with the object and the remedy, once, and nothing is touched: %s', async (_, input) => {
    await expectTold(input)
    await expectToldOnce(input)
    await expectUntouched(input)
    const shown = await scene.bed.cluster.kubectlOrThrow(['describe', 'oac', input.name, '-n', namespace])
    expect(shown).toContain(failureRegistry[input.code].remedy)
    expect(shown).toMatch(/^ +Warning +(Stalled|ReauthorizationRequired|RefreshFailed) /m)
  })

  test('does not disturb who is fine', async () => {
    expect((await scene.bed.condition(namespace, 'fine', 'Ready')).reason).toBe('TokenValid')
  })

  test('sends nothing that need not be sent', () => {
    const { server, redirect } = scene
    // The one that works, and what only the server could find wrong.
    expect(server.statistics).toMatchObject({ refreshes: 1, refusals, reuses: 0, familiesRevoked: 0 })
    expect(redirect.requests).toBe(1)
  })
})

describe('a store that lets its document be read and not be written', () => {
  test('costs no login: the refresh token is not presented', async () => {
    const { bed, vault, server } = scene
    const stalled = await bed.condition(namespace, 'read-only', 'Stalled')
    expect(stalled.reason).toBe('StoreDenied')
    expect(stalled.message).toContain(failureRegistry.STORE_FORBIDDEN.remedy)
    expect(stalled.message).toContain(`the document "${documentPath('read-only')}" of TokenStore ${namespace}/vault`)
    const { data = {}, version } = await vault.kvRead(documentPath('read-only'))
    expect(Object.keys(data).toSorted()).toEqual(['account', 'refresh_token'])
    expect(version).toBe(1)
    expect(await server.isRefreshTokenActive(String(data['refresh_token']))).toBe(true)
  })

  test('survives a crash of the operator', async () => {
    const { operator, server } = scene
    const { refreshes } = server.statistics
    await operator.kill()
    await operator.start()
    await scene.bed.condition(namespace, 'read-only', 'Stalled')
    expect(server.statistics.refreshes).toBe(refreshes)
  })
})

describe('what was wrong and is mended', () => {
  beforeAll(async () => {
    await Promise.all(Object.values(badInputs).map(async ({ mend }) => mend?.(scene)))
    await grantEverything(scene.vault)
  })

  test.each(Object.entries(badInputs))('recovers by itself: %s', async (_, { name }) => {
    const { bed, vault, server } = scene
    await bed.condition(namespace, name, 'Ready', 60_000)
    const { status } = await bed.credential(namespace, name)
    expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'RefreshTokenPersisted'])
    const accessToken = (await bed.secret(namespace, `${name}-token`))?.data['access_token'] ?? ''
    expect(await server.isActive(accessToken)).toBe(true)
    const { refresh_token: refreshToken } = (await vault.kvRead(documentPath(name))).data ?? {}
    expect(await server.isRefreshTokenActive(String(refreshToken))).toBe(true)
    const told = (await bed.events(namespace, name)).filter(({ type }) => type === 'Normal')
    expect(told.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['RefreshTokenRotated']))
  })

  test('keeps what was in a Secret that was given up to it', async () => {
    expect((await scene.bed.secret(namespace, 'foreign-token'))?.data).toMatchObject(foreignData)
  })

  test('refreshes the one whose store may be written now', async () => {
    const { bed, vault, server } = scene
    await vi.waitFor(
      async () => {
        const { refresh_token: refreshToken } = (await vault.kvRead(documentPath('read-only'))).data ?? {}
        expect(await server.isRefreshTokenActive(String(refreshToken))).toBe(true)
        const { status } = await bed.credential(namespace, 'read-only')
        expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'RefreshTokenPersisted'])
      },
      { timeout: 60_000, interval: 250 },
    )
    expect(server.statistics).toMatchObject({ refreshes: 2 + Object.keys(badInputs).length, reuses: 0 })
    // What a client was refused with is kept by no process for the next one, which tries it once more.
    expect(server.statistics.refusals).toBeLessThanOrEqual(refusals + 1)
  })

  test.each(Object.entries(leftAlone))('is not what nobody mended, and is not told again: %s', async (_, input) => {
    await expectTold(input)
    await expectToldOnce(input)
    await expectUntouched(input)
  })
})

describe('a manifest that cannot be right', () => {
  const mistakes = [
    'a credential without provider',
    'a field that does not exist',
    'a duration in days',
    'dotenv without variable',
    'both ways to say when',
    'an endpoint without scheme',
    'a confidential client without secret',
    'a store with two backends',
    'a Vault store without login',
  ]

  test.each(mistakes)('is refused by the API server at its field: %s', async (mistake) => {
    const { bed } = scene
    const found = invalidManifests[mistake]
    const manifest = changed(
      changed(found?.manifest ?? credentialOf('x'), 'metadata.name', 'invalid'),
      'metadata.namespace',
      namespace,
    )
    const { code, stderr } = await bed.cluster.kubectl(['apply', '-f', '-'], JSON.stringify(manifest))
    expect(code).not.toBe(0)
    // kubectl checks the names of fields itself, and shows the last part of the path.
    expect(stderr).toContain(found?.field.split('.').at(-1) ?? '?')
    expect((await bed.cluster.kubectl(['get', manifest.kind, 'invalid', '-n', namespace])).stderr).toContain('NotFound')
  })
})

test('nothing that is wrong makes a token, login or document visible', () => expectNothingSecret(scene.bed))
