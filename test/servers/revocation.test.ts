import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import type { Manifest } from '../support/manifests.ts'
import { manifestOf, OperatorBed } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'

// Credentials that are deleted from a real API server, with a real authorization server that revokes their access
// tokens, and one that is down. There is no namespace controller: what it does is done by hand, object by object.

const flags = ['--allow-plain-http', '--allow-private-addresses']

let bed: OperatorBed
let operator: OperatorProcess
let server: AuthorizationServer

beforeAll(async () => {
  ;[bed, server] = await Promise.all([OperatorBed.start(), startAuthorizationServer({ accessTokenSeconds: 600 })])
  operator = await bed.operator(bed.kubeconfig, flags)
})
afterEach(() => bed?.observeEverything())
afterAll(async () => {
  await bed?.stop()
  await server?.close()
})

interface Wanted {
  readonly revocationPolicy: 'WithTarget' | 'Always'
  readonly target?: object
}

/** A namespace with a credential of its own, whose access token is published. Returns the token. */
async function publishedIn(namespace: string, wanted: Wanted): Promise<string> {
  await bed.createNamespace(namespace)
  await bed.createSecret(namespace, 'login', { 'token.json': await document() })
  await bed.createSecret(namespace, 'client', { secret: server.clients.basic.secret })
  await bed.apply(...manifests(namespace, wanted))
  await bed.condition(namespace, 'claude', 'Ready', 30_000)
  const token = (await bed.secret(namespace, 'claude-token'))?.data['access_token'] ?? ''
  expect(await server.isActive(token)).toBe(true)
  return token
}

async function document(): Promise<string> {
  return JSON.stringify({ refresh_token: await server.issueRefreshToken('basic') })
}

function manifests(namespace: string, { revocationPolicy, target }: Wanted): Manifest[] {
  const secretRef = { name: 'client', key: 'secret' }
  return [
    manifestOf('TokenStore', namespace, 'secrets', { kubernetes: {} }),
    manifestOf('OAuthProvider', namespace, 'login', {
      tokenEndpoint: server.tokenEndpoint,
      revocationEndpoint: `${server.issuer}/token/revocation`,
      client: { id: server.clients.basic.id, authentication: 'client_secret_basic', secretRef },
    }),
    manifestOf('OAuthCredential', namespace, 'claude', {
      providerRef: { name: 'login' },
      refreshToken: { storeRef: { name: 'secrets' }, key: 'login' },
      revocationPolicy,
      target: { name: 'claude-token', ...target },
    }),
  ]
}

/** Deletes an object without waiting for it. */
async function remove(namespace: string, kind: string, name: string): Promise<void> {
  await bed.cluster.kubectlOrThrow(['delete', kind, '-n', namespace, name, '--wait=false'])
}

/** Resolves once the credential is gone. Returns how long that took, in milliseconds. */
async function untilGone(namespace: string, withinMs: number): Promise<number> {
  const began = Date.now()
  await vi.waitFor(async () => expect(await isThere(namespace)).toBe(false), { timeout: withinMs, interval: 50 })
  return Date.now() - began
}

async function isThere(namespace: string): Promise<boolean> {
  const { stdout } = await bed.cluster.kubectl(['get', 'oac', '-n', namespace, 'claude', '-o', 'name'])
  return stdout !== ''
}

async function eventOf(namespace: string): Promise<{ readonly reason: string; readonly note: string } | undefined> {
  const reasons = ['AccessTokenRevoked', 'RevocationFailed']
  return vi.waitFor(
    async () => {
      const found = (await bed.events(namespace, 'claude')).find(({ reason }) => reasons.includes(reason))
      if (found === undefined) throw new Error('nothing was told of a revocation')
      return found
    },
    { timeout: 10_000, interval: 100 },
  )
}

async function finalizersOf(namespace: string): Promise<readonly string[]> {
  return (await bed.credential(namespace, 'claude')).metadata.finalizers ?? []
}

test('the access token of a credential that is deleted is revoked, and then the object goes', async () => {
  const token = await publishedIn('asked', { revocationPolicy: 'WithTarget' })
  expect(await finalizersOf('asked')).toEqual(['oauth-operator.dev/target-cleanup'])
  await remove('asked', 'oac', 'claude')
  expect(await untilGone('asked', 10_000)).toBeLessThan(5000)
  expect(await server.isActive(token)).toBe(false)
  expect((await eventOf('asked'))?.reason).toBe('AccessTokenRevoked')
  const metrics = await operator.metrics()
  const series = metrics.series('oauthcredential_access_token_revocations_total')
  expect(series.find(({ labels }) => labels['result'] === 'success')?.value).toBe(1)
})

test('it is taken from the Secret by an operator that did not publish it', async () => {
  const token = await publishedIn('restarted', { revocationPolicy: 'WithTarget' })
  await operator.remove()
  operator = await bed.operator(bed.kubeconfig, flags)
  await remove('restarted', 'oac', 'claude')
  await untilGone('restarted', 30_000)
  expect(await server.isActive(token)).toBe(false)
})

test('a target that stays keeps a good token, and its credential needs no finalizer', async () => {
  const target = { deletionPolicy: 'Retain' }
  const token = await publishedIn('retained', { revocationPolicy: 'WithTarget', target })
  expect(await finalizersOf('retained')).toEqual([])
  await remove('retained', 'oac', 'claude')
  await untilGone('retained', 10_000)
  expect(await server.isActive(token)).toBe(true)
  expect((await bed.secret('retained', 'claude-token'))?.data['access_token']).toBe(token)
})

test('under Merge the token is revoked before its key is taken out', async () => {
  await bed.createNamespace('merged')
  await bed.createSecret('merged', 'shared', { theirs: 'kept' })
  const target = { name: 'shared', creationPolicy: 'Merge' }
  await bed.createSecret('merged', 'login', { 'token.json': await document() })
  await bed.createSecret('merged', 'client', { secret: server.clients.basic.secret })
  await bed.apply(...manifests('merged', { revocationPolicy: 'WithTarget', target }))
  await bed.condition('merged', 'claude', 'Ready', 30_000)
  const token = (await bed.secret('merged', 'shared'))?.data['access_token'] ?? ''
  await remove('merged', 'oac', 'claude')
  await untilGone('merged', 10_000)
  expect(await server.isActive(token)).toBe(false)
  expect((await bed.secret('merged', 'shared'))?.data).toEqual({ theirs: 'kept' })
})

test('a namespace goes although the server is down: three attempts, and an event', async () => {
  const token = await publishedIn('going', { revocationPolicy: 'WithTarget' })
  await server.close()
  // As the namespace controller does: all objects, in an order of its own.
  await remove('going', 'oac', 'claude')
  await remove('going', 'secret', 'claude-token')
  const took = await untilGone('going', 40_000)
  expect(took).toBeGreaterThan(4000)
  expect(took).toBeLessThan(31_000)
  const told = await eventOf('going')
  expect(told?.reason).toBe('RevocationFailed')
  expect(told?.note).toContain('The revocation endpoint of OAuthProvider going/login could not be reached')
  expect(operator.output).not.toContain(token)
})
