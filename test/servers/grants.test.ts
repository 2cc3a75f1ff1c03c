import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { canary } from '../support/canary.ts'
import { manifestOf } from './operator-bed.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { namespace, startTeamCluster, startTeamServers, type TeamCluster, type TeamServers } from './team-scene.ts'

// Access tokens without a login: a client that asks for itself at a real authorization server, and a token that somebody
// keeps in a real Vault.

const key = 'teams/setup'

let servers: TeamServers
let team: TeamCluster

beforeAll(async () => {
  servers = await startTeamServers(600)
  team = await startTeamCluster(servers)
})
afterEach(() => team?.bed.observeEverything())
afterAll(async () => {
  await team?.bed.stop()
  await servers?.stop()
})

/** What a Pod reads, once it is not `before` any more. */
async function published(target: string, before?: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const token = (await team.bed.secret(namespace, target))?.data['access_token']
      if (token === undefined || token === before) throw new Error(`nothing new is in ${target}`)
      return token
    },
    { timeout: 30_000, interval: 100 },
  )
}

/** Puts a token into Vault, as a human does. */
async function keep(expiresAt?: number): Promise<string> {
  const token = canary('at')
  const expiry = expiresAt === undefined ? {} : { expires_at: new Date(expiresAt).toISOString() }
  await servers.vault.kvWrite(key, { access_token: token, ...expiry })
  return token
}

describe('a client that asks for itself', () => {
  test('that proves itself with another secret waits for a human, and goes on by itself with the right one', async () => {
    const { bed } = team
    const { id, secret } = servers.server.clients.post
    await bed.createSecret(namespace, 'machine', { 'client-secret': canary('secret') })
    await bed.apply(
      manifestOf('OAuthProvider', namespace, 'machine', {
        tokenEndpoint: servers.server.tokenEndpoint,
        client: {
          id,
          authentication: 'client_secret_post',
          secretRef: { name: 'machine', key: 'client-secret' },
        },
      }),
      manifestOf('OAuthCredential', namespace, 'reports', {
        grant: 'ClientCredentials',
        providerRef: { name: 'machine' },
        target: { name: 'reports-token' },
      }),
    )
    const stalled = await bed.condition(namespace, 'reports', 'Stalled', 30_000)
    expect(stalled).toMatchObject({ reason: 'ClientRejected' })
    expect(stalled.message).not.toMatch(/refresh token/i)
    const patch = JSON.stringify({ stringData: { 'client-secret': secret } })
    await bed.cluster.kubectlOrThrow(['patch', 'secret', '-n', namespace, 'machine', '-p', patch])
    await bed.condition(namespace, 'reports', 'Ready', 90_000)
    expect(await published('reports-token')).toMatch(/^\S{20,}$/)
    const { status } = await bed.credential(namespace, 'reports')
    const types = status?.conditions?.map(({ type }) => type)
    expect(types).toEqual(['Ready'])
    expect((await bed.events(namespace, 'reports')).map(({ reason }) => reason)).not.toContain(
      'ReauthorizationRequired',
    )
  })

  test('asks again when a human wants it, and shows as what it is', async () => {
    const { bed, operator } = team
    const before = await published('reports-token')
    await bed.requestRefresh(namespace, 'reports')
    await published('reports-token', before)
    const wide = await bed.cluster.kubectlOrThrow(['get', 'oac', '-n', namespace, 'reports', '-o', 'wide'])
    expect(wide).toMatch(/ClientCredentials +machine/)
    const metrics = await operator.metrics()
    const info = metrics.series('oauthcredential_info').map(({ labels }) => labels)
    expect(info.find(({ name }) => name === 'reports')).toMatchObject({ grant: 'ClientCredentials', store: '' })
  })

  test('of a public client is refused with a reason', async () => {
    const { bed } = team
    await bed.apply(
      manifestOf('OAuthCredential', namespace, 'public', {
        grant: 'ClientCredentials',
        providerRef: { name: 'login' },
        target: { name: 'public-token' },
      }),
    )
    const { message } = await bed.condition(namespace, 'public', 'Stalled', 30_000)
    expect(message).toContain('spec.client.authentication is none')
  })
})

describe('a static token in Vault', () => {
  test('is published as it is, and replaced seconds after its successor is there', async () => {
    const { bed } = team
    const first = await keep()
    await bed.apply(
      manifestOf('OAuthCredential', namespace, 'setup', {
        grant: 'StaticToken',
        accessToken: { storeRef: { name: 'vault' }, key },
        target: { name: 'setup-token' },
      }),
    )
    expect(await published('setup-token')).toBe(first)
    const next = await keep(Date.now() + 86_400_000)
    const startedMs = performance.now()
    expect(await published('setup-token', first)).toBe(next)
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    await vi.waitFor(async () => {
      const { status } = await bed.credential(namespace, 'setup')
      expect(status?.conditions?.map(({ type, reason }) => [type, reason])).toEqual([['Ready', 'TokenValid']])
    })
    const wide = await bed.cluster.kubectlOrThrow([
      'get',
      'oac',
      '-n',
      namespace,
      'setup',
      '-o',
      'wide',
      '--no-headers',
    ])
    expect(wide).toMatch(/StaticToken +vault/)
  })

  test('that is over is told with what to do, and the next one is published', async () => {
    const { bed } = team
    const before = await published('setup-token')
    await keep(Date.now() - 60_000)
    await bed.condition(namespace, 'setup', 'Stalled', 30_000)
    const text = await bed.cluster.kubectlOrThrow(['describe', 'oac', '-n', namespace, 'setup'])
    expect(text).toContain('StaticTokenExpired')
    expect(text).toContain('cannot be refreshed. Get a new token and put it in its place in the store')
    expect(await published('setup-token')).toBe(before)
    const next = await keep(Date.now() + 86_400_000)
    expect(await published('setup-token', before)).toBe(next)
  })

  test('is never written', async () => {
    expect((await servers.vault.kvMetadata(key))?.['current_version']).toBe(4)
  })

  test('is never a refresh token', async () => {
    const { bed } = team
    await servers.vault.kvWrite('teams/login', { refresh_token: canary('rt') })
    await bed.apply(
      manifestOf('OAuthCredential', namespace, 'thief', {
        grant: 'StaticToken',
        accessToken: { storeRef: { name: 'vault' }, key: 'teams/login', property: '/refresh_token' },
        target: { name: 'thief-token' },
      }),
    )
    expect((await bed.condition(namespace, 'thief', 'Stalled', 30_000)).reason).toBe('StaticTokenInvalid')
    expect(await bed.secret(namespace, 'thief-token')).toBeUndefined()
  })
})

test('nothing secret is printed anywhere', () => expectNothingSecret(team.bed))
