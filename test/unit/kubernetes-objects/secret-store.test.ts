import { describe, expect, test } from 'vitest'
import { KubernetesSecretStore } from '../../../src/adapters/kubernetes/secret-store.ts'
import { fieldManager, targetLabels } from '../../../src/domain/names.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { StoredRefreshToken } from '../../../src/domain/tokens.ts'
import type { RefreshTokenLocation } from '../../../src/ports/refresh-token-store.ts'
import { ApiHands, type SecretSeed } from '../../support/api-hands.ts'
import { aStore } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'
import { FakeKubeClient, refused, unanswered } from '../../support/fake-kube-client.ts'
import { jsonAt } from '../../support/fake-managed-fields.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

const location: RefreshTokenLocation = { store: aStore(), namespace: 'ci', key: 'claude-login' }

class Bench {
  readonly server = new FakeKubeClient()
  readonly hands = new ApiHands(this.server, 'ci')
  readonly store = new KubernetesSecretStore(this.server)

  async stored(at = location): Promise<StoredRefreshToken> {
    const result = told(await this.store.read(at))
    if (!result.ok) throw new Error(result.failure.message)
    return result.value
  }
}

describe('what a Secret says', () => {
  test('bytes that are not text are no part of the document, and stay', async () => {
    const { server, store, hands } = new Bench()
    const binary = Buffer.from([0xff, 0xfe, 0x00, 0x80]).toString('base64')
    const refresh_token = Buffer.from(canary('rt')).toString('base64')
    const data = { refresh_token, binary, bom: Buffer.from('\uFEFFx').toString('base64') }
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'claude-login' }, data }
    await server.request({ method: 'POST', path: '/api/v1/namespaces/ci/secrets', body })
    const base = told(await store.read(location))
    if (!base.ok) throw new Error(base.failure.message)
    expect(Object.keys(JSON.parse(base.value.document.reveal()) as object).toSorted()).toEqual(['bom', 'refresh_token'])
    const next = canary('rt')
    expect(codeOf(await store.writeBack(location, base.value, { refreshToken: new Sensitive(next) }))).toBe('ok')
    const after = jsonAt(await hands.secret('claude-login'), ['data'])
    expect(after).toEqual({ ...data, refresh_token: Buffer.from(next).toString('base64') })
  })

  test('a write names the changed keys alone', async () => {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt'), note: 'kept' } })
    const base = await b.stored()
    b.server.requests.splice(0)
    await b.store.writeBack(location, base, { refreshToken: new Sensitive(canary('rt')) })
    const [request] = b.server.requests
    expect(Object.keys(jsonAt(request?.body as Record<string, unknown>, ['data']))).toEqual(['refresh_token'])
    expect(jsonAt(request?.body as Record<string, unknown>, ['metadata'])).toEqual({ resourceVersion: base.version })
  })

  test('a line break after the token belongs to the document and not to the token', async () => {
    const b = new Bench()
    const [first, next] = [canary('rt'), canary('rt')]
    await b.hands.createSecret('claude-login', { data: { refresh_token: `${first}\n` } })
    const base = await b.stored()
    expect(base.refreshToken.reveal()).toBe(first)
    await b.store.writeBack(location, base, { refreshToken: new Sensitive(next) })
    expect(await b.hands.data('claude-login')).toEqual({ refresh_token: `${next}\n` })
  })

  test('a label makes a new version, and the write that follows it goes through', async () => {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt') } })
    const base = await b.stored()
    await b.hands.edit('claude-login', { metadata: { labels: { team: 'ci' } } })
    const tokens = { refreshToken: new Sensitive(canary('rt')) }
    expect(codeOf(told(await b.store.writeBack(location, base, tokens)))).toBe('STORE_CONFLICT')
    expect(codeOf(told(await b.store.writeBack(location, await b.stored(), tokens)))).toBe('ok')
  })
})

describe('a Secret that could not take a successor', () => {
  const data = { refresh_token: 'unused' }
  const unfit: Record<string, [seed: SecretSeed, code: string, words: string]> = {
    'is immutable': [{ data, immutable: true }, 'STORE_FORBIDDEN', 'could not be written back'],
    'holds the token of a ServiceAccount': [
      { data: { token: 'unused' }, type: 'kubernetes.io/service-account-token' },
      'STORE_FORBIDDEN',
      'is of type kubernetes.io/service-account-token',
    ],
    'holds a refresh token under another type': [
      { data, type: 'example.com/session' },
      'STORE_FORBIDDEN',
      'is of type example.com/session',
    ],
    'is a target of ours': [
      { data, labels: { [targetLabels.managedBy]: fieldManager } },
      'SPEC_INVALID',
      'The key of the credential names Secret ci/claude-login of TokenStore ci/vault, which the operator itself writes',
    ],
  }
  test.each(Object.entries(unfit))(
    'is refused before its token is spent, when it %s',
    async (_what, [seed, code, words]) => {
      const b = new Bench()
      await b.hands.createSecret('claude-login', seed)
      const result = told(await b.store.read(location))
      expect(codeOf(result)).toBe(code)
      expect(messageOf(result)).toContain(words)
    },
  )

  test('is refused while it is being deleted', async () => {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data, finalizers: ['example.com/hold'] })
    await b.hands.deleteSecret('claude-login')
    expect(codeOf(told(await b.store.read(location)))).toBe('REFRESH_TOKEN_MISSING')
  })

  test('is not looked for under a name that could leave its place in the path', async () => {
    const b = new Bench()
    const result = told(await b.store.read({ ...location, key: '../configmaps/x' }))
    expect(codeOf(result)).toBe('REFRESH_TOKEN_MISSING')
    expect(b.server.requests).toEqual([])
  })
})

describe('a proof of writability', () => {
  test('is a dry run that changes nothing, at the resource version', async () => {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt'), note: 'kept' } })
    const base = await b.stored()
    b.server.requests.splice(0)
    expect(codeOf(told(await b.store.proveWritable(location, base)))).toBe('ok')
    const stored = jsonAt(await b.hands.secret('claude-login'), ['data'])
    expect(b.server.requests[0]).toMatchObject({
      method: 'PATCH',
      query: { dryRun: 'All', fieldManager },
      body: { metadata: { resourceVersion: base.version }, data: stored },
    })
    expect((await b.stored()).version).toBe(base.version)
  })

  const answers: Record<string, [answer: FakeKubeClient['intercept'], code: string]> = {
    'that times out has no result': [() => unanswered('Timeout', true), 'STORE_UNAVAILABLE'],
    'of a Secret that is gone is a conflict': [() => refused(404, 'NotFound', 'not found'), 'STORE_CONFLICT'],
    'meets a server error': [() => refused(500, 'InternalError', 'etcd'), 'STORE_UNAVAILABLE'],
    'meets a policy': [() => refused(422, 'Invalid', 'the policy says no'), 'STORE_FORBIDDEN'],
  }
  test.each(Object.entries(answers))('%s', async (_what, [answer, code]) => {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt') } })
    const base = await b.stored()
    b.server.intercept = answer
    expect(codeOf(told(await b.store.proveWritable(location, base)))).toBe(code)
  })

  test('does not repeat what a policy quotes of the Secret', async () => {
    const b = new Bench()
    const note = canary('secret')
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt'), note } })
    const base = await b.stored()
    b.server.intercept = () => refused(422, 'Invalid', `no: ${Buffer.from(note).toString('base64')}`)
    expect(messageOf(told(await b.store.proveWritable(location, base)))).toContain('withheld')
  })
})

describe('a claim in a Secret', () => {
  test('is one more key, whose value is JSON text', async () => {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt'), note: 'kept' } })
    const base = await b.stored()
    const key = Buffer.alloc(32, 7).toString('base64')
    const claim = { owner: 'prod/1', ownerName: 'ci/claude', sealingKey: new Sensitive(key) }
    expect(codeOf(told(await b.store.claim(location, base, claim)))).toBe('ok')
    const { _oauthop: text = '', ...others } = await b.hands.data('claude-login')
    expect(JSON.parse(text)).toEqual({ key, owners: { '/refresh_token': { id: 'prod/1', name: 'ci/claude' } } })
    expect(others).toEqual(JSON.parse(base.document.reveal()))
  })

  test('that is not text is named, and not written over', async () => {
    const b = new Bench()
    const data = { refresh_token: Buffer.from(canary('rt')).toString('base64'), _oauthop: '//79' }
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'claude-login' }, data }
    await b.server.request({ method: 'POST', path: '/api/v1/namespaces/ci/secrets', body })
    const read = told(await b.store.read(location))
    expect(codeOf(read)).toBe('REFRESH_TOKEN_MALFORMED')
    expect(messageOf(read)).toContain('"_oauthop"')
  })
})

describe('a write that fails', () => {
  const tokens = { refreshToken: new Sensitive(canary('rt')) }
  async function failing(intercept: FakeKubeClient['intercept']): Promise<string> {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt') } })
    const base = await b.stored()
    b.server.intercept = (request, carryOut) => (request.method === 'PATCH' ? intercept(request, carryOut) : carryOut())
    const result = told(await b.store.writeBack(location, base, tokens))
    expect(messageOf(result)).toContain('Secret ci/claude-login of TokenStore ci/vault')
    return codeOf(result)
  }
  const table: Record<string, [answer: FakeKubeClient['intercept'], code: string]> = {
    'is unknown after a timeout': [() => unanswered('Timeout', true), 'STORE_WRITE_UNKNOWN'],
    'is unknown after an answer that is no Secret': [
      () => ({ ok: true, status: 200, body: {} }),
      'STORE_WRITE_UNKNOWN',
    ],
    'is known when nothing was sent': [() => unanswered('ECONNREFUSED', false), 'STORE_UNAVAILABLE'],
    'is a conflict when the Secret is gone': [
      () => refused(404, 'NotFound', 'secrets "x" not found'),
      'STORE_CONFLICT',
    ],
    'waits when the server is busy': [() => refused(429, 'TooManyRequests', 'later'), 'STORE_THROTTLED'],
    'is told when a quota refuses it': [
      () => refused(403, 'Forbidden', 'secrets "x" is forbidden: exceeded quota'),
      'STORE_FORBIDDEN',
    ],
  }
  test.each(Object.entries(table))('%s', async (_what, [answer, code]) => {
    expect(await failing(answer)).toBe(code)
  })

  test('is not repeated in the words of a policy that quotes the token', async () => {
    const b = new Bench()
    await b.hands.createSecret('claude-login', { data: { refresh_token: canary('rt') } })
    const base = await b.stored()
    b.server.intercept = () => refused(422, 'Invalid', `refused: ${tokens.refreshToken.reveal()}`)
    const result = told(await b.store.writeBack(location, base, tokens))
    expect(messageOf(result)).toContain('withheld')
  })
})
