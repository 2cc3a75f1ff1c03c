import { describe, expect, test } from 'vitest'
import { KubernetesSecretReader } from '../../../src/adapters/kubernetes/secret-reader.ts'
import { ApiHands } from '../../support/api-hands.ts'
import { canary } from '../../support/canary.ts'
import { FakeKubeClient, refused, unanswered } from '../../support/fake-kube-client.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

class Bench {
  readonly server = new FakeKubeClient()
  readonly clock = new SimulatedClock()
  readonly hands = new ApiHands(this.server, 'ci')
  readonly reader = new KubernetesSecretReader({ client: this.server, clock: this.clock, operatorNamespace: 'oauth' })

  async value(key = 'secret', name = 'client'): Promise<string> {
    const result = told(await this.reader.read('ci', { name, key }))
    return result.ok ? result.value.reveal() : result.failure.code
  }

  reads(): number {
    return this.server.requests.filter(({ method }) => method === 'GET').length
  }
}

describe('a value of a Secret', () => {
  const values: Record<string, [content: string, value: string]> = {
    'is what stands there': ['a b\t', 'a b\t'],
    'does not end with the line break of echo': ['secret\n', 'secret'],
    'does not end with the line break of an editor on Windows': ['secret\r\n', 'secret'],
    'loses one line break and no more': ['secret\n\n', 'secret\n'],
    'keeps line breaks inside, as certificates have them': ['-----BEGIN\nx\n-----END\n', '-----BEGIN\nx\n-----END'],
    'keeps every character': ['\uFEFFGrüße', '\uFEFFGrüße'],
  }
  test.each(Object.entries(values))('%s', async (_what, [content, value]) => {
    const b = new Bench()
    await b.hands.createSecret('client', { data: { secret: content } })
    expect(await b.value()).toBe(value)
  })

  const missing: Record<string, [data: Record<string, string> | undefined, words: string]> = {
    'the Secret does not exist': [undefined, 'Secret ci/client, whose key secret is needed, does not exist.'],
    'the key does not exist': [{ other: 'x' }, 'Secret ci/client has no key secret.'],
    'it is empty': [{ secret: '' }, 'The key secret of Secret ci/client is empty.'],
    'it is a line break': [{ secret: '\n' }, 'The key secret of Secret ci/client is empty.'],
  }
  test.each(Object.entries(missing))('is missing when %s', async (_when, [data, words]) => {
    const b = new Bench()
    if (data !== undefined) await b.hands.createSecret('client', { data })
    const result = told(await b.reader.read('ci', { name: 'client', key: 'secret' }))
    expect(codeOf(result)).toBe('CLIENT_SECRET_UNAVAILABLE')
    expect(messageOf(result)).toContain(words)
  })

  test('is missing when it is not text', async () => {
    const b = new Bench()
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'client' }, data: { secret: '//4=' } }
    await b.server.request({ method: 'POST', path: '/api/v1/namespaces/ci/secrets', body })
    expect(await b.value()).toBe('CLIENT_SECRET_UNAVAILABLE')
  })

  const types: Record<string, [type: string, key: string, value: string]> = {
    'is read of basic-auth': ['kubernetes.io/basic-auth', 'password', 'ok'],
    'is read of a certificate': ['kubernetes.io/tls', 'tls.crt', 'ok'],
    'is read of the authority of a certificate': ['kubernetes.io/tls', 'ca.crt', 'ok'],
    'is not read of a private key': ['kubernetes.io/tls', 'tls.key', 'CLIENT_SECRET_UNAVAILABLE'],
    'is not read of a ServiceAccount': ['kubernetes.io/service-account-token', 'token', 'CLIENT_SECRET_UNAVAILABLE'],
    'is not read of a registry': ['kubernetes.io/dockerconfigjson', '.dockerconfigjson', 'CLIENT_SECRET_UNAVAILABLE'],
    'is not read of a type that nobody knows': ['helm.sh/release.v1', 'release', 'CLIENT_SECRET_UNAVAILABLE'],
  }
  test.each(Object.entries(types))('%s', async (_what, [type, key, code]) => {
    const b = new Bench()
    await b.hands.createSecret('client', { type, data: { [key]: 'x' } })
    const result = told(await b.reader.read('ci', { name: 'client', key }))
    expect(codeOf(result)).toBe(code)
    if (!result.ok) expect(messageOf(result)).toContain(`is of type ${type}`)
  })

  test('may be the private key of a certificate, for use in this process, and for nobody else', async () => {
    const b = new Bench()
    const secret = canary('secret')
    await b.hands.createSecret('client', { type: 'kubernetes.io/tls', data: { 'tls.key': secret } })
    const ref = { name: 'client', key: 'tls.key' }
    const result = told(await b.reader.read('ci', ref, 'sign'))
    expect(result.ok && result.value.reveal()).toBe(secret)
    expect(codeOf(told(await b.reader.read('ci', ref)))).toBe('CLIENT_SECRET_UNAVAILABLE')
    expect(codeOf(told(await b.reader.read('ci', ref, 'sign')))).toBe('ok')
  })

  test.each(['kubernetes.io/service-account-token', 'helm.sh/release.v1'])(
    'is not read of the type %s for use in this process either',
    async (type) => {
      const b = new Bench()
      await b.hands.createSecret('client', { type, data: { token: 'x' } })
      const result = told(await b.reader.read('ci', { name: 'client', key: 'token' }, 'sign'))
      expect(codeOf(result)).toBe('CLIENT_SECRET_UNAVAILABLE')
    },
  )

  test('comes from the namespace of the operator when none is given', async () => {
    const b = new Bench()
    const secret = canary('secret')
    await new ApiHands(b.server, 'oauth').createSecret('client', { data: { secret } })
    const result = told(await b.reader.read(undefined, { name: 'client', key: 'secret' }))
    expect(result.ok && result.value.reveal()).toBe(secret)
    expect(await b.value()).toBe('CLIENT_SECRET_UNAVAILABLE')
  })

  test('is not looked for under a name that could leave its place in the path', async () => {
    const b = new Bench()
    expect(await b.value('secret', '../configmaps/x')).toBe('CLIENT_SECRET_UNAVAILABLE')
    expect(b.server.requests).toEqual([])
  })
})

describe('how often is asked', () => {
  test('at most once a minute', async () => {
    const b = new Bench()
    await b.hands.createSecret('client', { data: { secret: 'old' } })
    expect(await b.value()).toBe('old')
    await b.hands.editData('client', { secret: 'new' })
    await b.clock.pass(59.9)
    expect(await b.value()).toBe('old')
    expect(b.reads()).toBe(1)
    await b.clock.pass(0.1)
    expect(await b.value()).toBe('new')
    expect(b.reads()).toBe(2)
  })

  test('a failure is forgotten after five seconds', async () => {
    const b = new Bench()
    expect(await b.value()).toBe('CLIENT_SECRET_UNAVAILABLE')
    await b.hands.createSecret('client', { data: { secret: 'there' } })
    await b.clock.pass(4.9)
    expect(await b.value()).toBe('CLIENT_SECRET_UNAVAILABLE')
    await b.clock.pass(0.1)
    expect(await b.value()).toBe('there')
  })

  test('callers at the same time share one request, whichever key they want', async () => {
    const b = new Bench()
    await b.hands.createSecret('client', { data: { secret: 'a', id: 'b' } })
    const values = await Promise.all([b.value(), b.value('id'), b.value(), b.value('absent')])
    expect(values).toEqual(['a', 'b', 'a', 'CLIENT_SECRET_UNAVAILABLE'])
    expect(b.reads()).toBe(1)
    expect(await b.value('id')).toBe('b')
    expect(b.reads()).toBe(1)
  })

  test('at once again when the other side refused the value', async () => {
    const b = new Bench()
    await b.hands.createSecret('client', { data: { secret: 'old', id: 'x' } })
    await b.hands.createSecret('client-2', { data: { secret: 'other' } })
    await b.value()
    await b.value('secret', 'client-2')
    await b.hands.editData('client', { secret: 'new' })
    b.reader.forget('ci', 'client')
    expect(await b.value()).toBe('new')
    expect(await b.value('secret', 'client-2')).toBe('other')
    expect(b.reads()).toBe(3)
  })

  test('what was on its way when it was refused is not kept', async () => {
    const b = new Bench()
    await b.hands.createSecret('client', { data: { secret: 'old' } })
    const early = b.value()
    b.reader.forget('ci', 'client')
    const late = b.value()
    await b.hands.editData('client', { secret: 'new' })
    expect(await early).toBe('old')
    expect(await late).toBe('old')
    b.reader.forget('ci', 'client')
    expect(await b.value()).toBe('new')
  })

  test('what was on its way when it was refused does not replace what is read after', async () => {
    const b = new Bench()
    await b.hands.createSecret('client', { data: { secret: 'old' } })
    const held = Promise.withResolvers<undefined>()
    b.server.intercept = async (_request, carryOut) => {
      const outcome = carryOut()
      await held.promise
      return outcome
    }
    const early = b.value()
    await Promise.resolve()
    b.server.intercept = (_request, carryOut) => carryOut()
    await b.hands.editData('client', { secret: 'new' })
    b.reader.forget('ci', 'client')
    expect(await b.value()).toBe('new')
    held.resolve(undefined)
    expect(await early).toBe('old')
    expect(await b.value()).toBe('new')
  })
})

describe('a Secret that cannot be read', () => {
  const failures: Record<string, [answer: FakeKubeClient['intercept'], code: string]> = {
    'because the right is missing': [
      () => refused(403, 'Forbidden', 'secrets "client" is forbidden: User "op" cannot get resource "secrets"'),
      'KUBERNETES_FORBIDDEN',
    ],
    'because nobody answers': [() => unanswered('ECONNREFUSED', false), 'KUBERNETES_UNAVAILABLE'],
    'because the answer is no Secret': [() => ({ ok: true, status: 200, body: [] }), 'KUBERNETES_UNAVAILABLE'],
  }
  test.each(Object.entries(failures))('is told as such %s', async (_why, [answer, code]) => {
    const b = new Bench()
    b.server.intercept = answer
    expect(await b.value()).toBe(code)
  })
})
