import { describe, expect, test } from 'vitest'
import { KubernetesServiceAccountTokens } from '../../../src/adapters/kubernetes/service-account-tokens.ts'
import type { ServiceAccountRef } from '../../../src/domain/token-store.ts'
import { canary } from '../../support/canary.ts'
import { FakeKubeClient, refused, unanswered } from '../../support/fake-kube-client.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

const account: ServiceAccountRef = { name: 'vault-login', audiences: ['vault'] }

class Bench {
  readonly server = new FakeKubeClient()
  readonly clock = new SimulatedClock()
  ownToken: () => Promise<string> = () => Promise.resolve(jwt(['https://api.example', 'k3s']))
  readonly tokens = new KubernetesServiceAccountTokens({
    client: this.server,
    clock: this.clock,
    operatorNamespace: 'oauth',
    readOwnToken: () => this.ownToken(),
  })

  constructor() {
    this.server.nowSeconds = () => this.clock.now()
  }

  async token(namespace: string | undefined, ref?: ServiceAccountRef): Promise<string> {
    const result = told(await this.tokens.token(namespace, ref))
    return result.ok ? result.value.reveal() : result.failure.code
  }
}

describe('a token of a ServiceAccount', () => {
  test('is asked for with its audience, in the namespace of the store', async () => {
    const b = new Bench()
    expect(await b.token('ci', account)).toContain('header.')
    expect(b.server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/api/v1/namespaces/ci/serviceaccounts/vault-login/token',
        body: { kind: 'TokenRequest', spec: { audiences: ['vault'], expirationSeconds: 3600 } },
      },
    ])
  })

  test('is in the namespace of the operator for a cluster-scoped store, with any audience', async () => {
    const b = new Bench()
    await b.token(undefined, { name: 'x', audiences: [] })
    expect(b.server.requests[0]?.path).toBe('/api/v1/namespaces/oauth/serviceaccounts/x/token')
  })

  test('is used for four fifths of its life', async () => {
    const b = new Bench()
    const first = await b.token('ci', account)
    await b.clock.pass(0.8 * 3600 - 1)
    expect(await b.token('ci', account)).toBe(first)
    await b.clock.pass(1)
    expect(await b.token('ci', account)).not.toBe(first)
    expect(b.server.requests).toHaveLength(2)
  })

  test('that the server makes shorter is used for four fifths of that', async () => {
    const b = new Bench()
    b.server.nowSeconds = () => b.clock.now() - 3000
    const first = await b.token('ci', account)
    await b.clock.pass(481)
    expect(await b.token('ci', account)).not.toBe(first)
  })

  test('is one for everybody who asks at the same time, and another for another audience', async () => {
    const b = new Bench()
    const [one, two, other] = await Promise.all([
      b.token('ci', account),
      b.token('ci', account),
      b.token('ci', { ...account, audiences: ['openbao'] }),
    ])
    expect(two).toBe(one)
    expect(other).not.toBe(one)
    expect(b.server.requests).toHaveLength(2)
  })

  const failures: Record<string, [answer: FakeKubeClient['intercept'], code: string]> = {
    'when there is no such ServiceAccount': [
      () => refused(404, 'NotFound', 'serviceaccounts "vault-login" not found'),
      'STORE_LOGIN_REJECTED',
    ],
    'when the right is missing': [
      () => refused(403, 'Forbidden', 'serviceaccounts "x" is forbidden: User "op" cannot create resource'),
      'KUBERNETES_FORBIDDEN',
    ],
    'when nobody answers': [() => unanswered('ECONNRESET', true), 'KUBERNETES_UNAVAILABLE'],
    'when the answer holds none': [() => ({ ok: true, status: 201, body: {} }), 'KUBERNETES_UNAVAILABLE'],
  }
  test.each(Object.entries(failures))('is not there %s, and is asked for again', async (_when, [answer, code]) => {
    const b = new Bench()
    const { intercept } = b.server
    b.server.intercept = answer
    expect(await b.token('ci', account)).toBe(code)
    b.server.intercept = intercept
    expect(await b.token('ci', account)).toContain('header.')
  })

  test('is not asked for under a name that could leave its place in the path', async () => {
    const b = new Bench()
    expect(await b.token('ci', { ...account, name: '../x' })).toBe('STORE_LOGIN_REJECTED')
    expect(b.server.requests).toEqual([])
  })
})

describe('a store that anybody in its namespace may write', () => {
  const refusals: Record<string, [ref: ServiceAccountRef | undefined, words: string]> = {
    "the operator's own token": [undefined, 'only a ClusterTokenStore may use'],
    'a token without audience': [{ ...account, audiences: [] }, 'would be a login at the Kubernetes API'],
    "a token for the API server's usual name": [
      { ...account, audiences: ['vault', 'https://kubernetes.default.svc.cluster.local'] },
      'is that of the Kubernetes API',
    ],
    'a token for an audience that the own token was made for': [
      { ...account, audiences: ['k3s'] },
      'is that of the Kubernetes API',
    ],
  }
  test.each(Object.entries(refusals))('does not get %s', async (_what, [ref, words]) => {
    const b = new Bench()
    const result = told(await b.tokens.token('ci', ref))
    expect(codeOf(result)).toBe('STORE_LOGIN_REJECTED')
    expect(messageOf(result)).toContain(words)
    expect(b.server.requests).toEqual([])
  })

  test.each([['is one string', () => Promise.resolve(jwt('k3s'))]])(
    'is refused an audience of the own token also when that %s',
    async (_how, ownToken) => {
      const b = new Bench()
      b.ownToken = ownToken
      expect(await b.token('ci', { ...account, audiences: ['k3s'] })).toBe('STORE_LOGIN_REJECTED')
    },
  )

  test.each([
    ['cannot be read', () => Promise.reject(new Error('ENOENT'))],
    ['is no JSON Web Token', () => Promise.resolve('opaque')],
    ['has claims that are no object', () => Promise.resolve(`a.${Buffer.from('7').toString('base64url')}.c`)],
  ])('gets its token when the own token %s', async (_how, ownToken) => {
    const b = new Bench()
    b.ownToken = ownToken
    expect(await b.token('ci', account)).toContain('header.')
    expect(await b.token('ci', { ...account, audiences: ['https://kubernetes.default.svc'] })).toBe(
      'STORE_LOGIN_REJECTED',
    )
  })
})

describe("the operator's own token", () => {
  test('is read anew each time, because kubelet replaces it', async () => {
    const b = new Bench()
    const [first, second] = [canary('secret'), canary('secret')]
    b.ownToken = () => Promise.resolve(`${first}\n`)
    expect(await b.token(undefined)).toBe(first)
    b.ownToken = () => Promise.resolve(second)
    expect(await b.token(undefined)).toBe(second)
    expect(b.server.requests).toEqual([])
  })

  test.each([
    ['cannot be read', () => Promise.reject(new Error('ENOENT: /var/run/secrets'))],
    ['is empty', () => Promise.resolve('\n')],
  ])('is missing when it %s', async (_when, ownToken) => {
    const b = new Bench()
    b.ownToken = ownToken
    expect(await b.token(undefined)).toBe('STORE_LOGIN_REJECTED')
  })
})

function jwt(aud: unknown): string {
  return `e30.${Buffer.from(JSON.stringify({ aud })).toString('base64url')}.signature`
}
