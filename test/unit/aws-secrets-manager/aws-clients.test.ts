import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AwsSecretsManagerBackend, TokenStore } from '../../../src/domain/token-store.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { FakeSecretsManager } from '../../support/fake-secrets-manager.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { accessKey, AwsBench } from './aws-bench.ts'

const key = 'claude'
const namespaced = { kind: 'TokenStore', namespace: 'ci' } as const
const open = { policy: { allowPlainHttp: true, allowPrivateAddresses: true } }
const benches: AwsBench[] = []
let aws: FakeSecretsManager

beforeEach(async () => {
  aws = await new FakeSecretsManager().start()
  aws.put(key, canary('rt'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const { store } of benches.splice(0)) store.close()
  await aws.stop()
})

function aBench(...args: ConstructorParameters<typeof AwsBench>): AwsBench {
  const bench = new AwsBench(...args)
  benches.push(bench)
  return bench
}

async function read(bench: AwsBench, changes?: Partial<TokenStore>): Promise<string> {
  const result = await bench.store.read(bench.at(key, changes))
  if (result.ok) return 'ok'
  observeOutput('a failure of the AWS store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

/** A store that names no access key. */
function ambient(): Partial<TokenStore> {
  const backend: AwsSecretsManagerBackend = {
    type: 'awsSecretsManager',
    region: 'eu-central-1',
    endpoint: aws.endpoint,
    minimumWriteIntervalSeconds: 0,
  }
  return { backend }
}

describe('the access key', () => {
  test('is read of its Secret, and read anew when AWS refuses it', async () => {
    aws.acceptedAccessKeyId = 'AKIDNEXT'
    const bench = aBench({ endpoint: aws.endpoint })
    expect(await read(bench)).toMatch(/^STORE_LOGIN_REJECTED: .* AWS does not accept the credentials/)
    expect(bench.secrets.forgotten).toEqual(['operator/aws'])
    bench.secrets.values.set('operator/aws/id', 'AKIDNEXT')
    expect(await read(bench)).toBe('ok')
  })

  test('may have a session token', async () => {
    const token = canary('secret')
    const bench = aBench({
      endpoint: aws.endpoint,
      credentials: { ...accessKey, sessionToken: { name: 'aws', key: 'session' } },
    })
    expect(await read(bench)).toMatch(/^CLIENT_SECRET_UNAVAILABLE: .*operator\/aws\/session/)
    bench.secrets.values.set('operator/aws/session', token)
    expect(await read(bench)).toBe('ok')
    expect(aws.requests.at(-1)?.headers['x-amz-security-token']).toBe(token)
  })

  test.for(['id', 'secret'])('without its %s names the Secret', async (part) => {
    const bench = aBench({ endpoint: aws.endpoint })
    bench.secrets.values.delete(`operator/aws/${part}`)
    expect(await read(bench)).toMatch(new RegExp(`^CLIENT_SECRET_UNAVAILABLE: .*operator/aws/${part}`))
  })

  test('of a namespaced store is not that of the operator', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDOPERATOR')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', canary('secret'))
    const bench = aBench({}, open)
    expect(await read(bench, { ...namespaced, ...ambient() })).toMatch(
      /^STORE_ACCESS_NOT_GRANTED: TokenStore ci\/aws names no/,
    )
    expect(aws.requests).toEqual([])
    expect(await read(aBench({}, { ...open, ambientCredentials: 'all' }), { ...namespaced, ...ambient() })).toBe('ok')
    expect(await read(bench, ambient())).toBe('ok')
    expect(aws.requests.at(-1)?.headers['authorization']).toContain('AKIDOPERATOR')
  })

  test('that the SDK does not find is a login that was refused', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    expect(await read(aBench({}), ambient())).toMatch(/^STORE_LOGIN_REJECTED: .*finds no credentials that work/)
  })
})

test('a region that nobody names is asked for', async () => {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  const unnamed = { type: 'awsSecretsManager', endpoint: aws.endpoint, credentials: accessKey } as const
  const backend = { ...unnamed, minimumWriteIntervalSeconds: 0 }
  expect(await read(aBench({}), { backend })).toMatch(/^STORE_INVALID: .*neither spec.awsSecretsManager.region nor/)
})

test('a clock that is wrong is corrected by what AWS says, within the same read', async () => {
  const bench = aBench({ endpoint: aws.endpoint })
  aws.fault('GetSecretValue', {
    error: 'InvalidSignatureException',
    status: 403,
    date: new Date(Date.now() + 3_600_000),
  })
  expect(await read(bench)).toBe('ok')
})

describe('endpoints', () => {
  test('of plain http need the flag', async () => {
    const bench = aBench({ endpoint: aws.endpoint }, { policy: { allowPlainHttp: false, allowPrivateAddresses: true } })
    expect(await read(bench)).toMatch(
      /^ENDPOINT_NOT_ALLOWED: spec.awsSecretsManager.endpoint of ClusterTokenStore aws is not/,
    )
  })

  test.for(['http://127.0.0.1:1', 'http://localhost:1', 'http://169.254.169.254', 'http://[::1]:1'])(
    'in namespaced stores are not private: %s',
    async (endpoint) => {
      expect(await read(aBench({ endpoint }), namespaced)).toMatch(/^ENDPOINT_NOT_ALLOWED: .* TokenStore ci\/aws: spec/)
    },
  )

  test.each(['http://169.254.169.254', 'http://[fd00:ec2::254]', 'http://[fe80::1]'])(
    'are never of the platform, whoever names them and whatever the flags: %s',
    async (endpoint) => {
      for (const who of [{}, namespaced])
        expect(await read(aBench({ endpoint }, open), who)).toMatch(/^ENDPOINT_NOT_ALLOWED: .* one of the platform/)
    },
  )

  test('in namespaced stores may be private with the flag', async () => {
    expect(await read(aBench({ endpoint: aws.endpoint }, open), namespaced)).toBe('ok')
  })

  test('at which nobody answers are unavailable', async () => {
    expect(await read(aBench({ endpoint: 'http://127.0.0.1:9' }))).toMatch(
      /^STORE_UNAVAILABLE: .*\((ECONNREFUSED|UND_ERR_\w+)\)/,
    )
  })
})

test('clients are made anew with the manifest, and given up when nobody used them for more than a day', async () => {
  const clock = new SkippingClock()
  const bench = aBench({ endpoint: aws.endpoint }, { clock })
  expect(await read(bench)).toBe('ok')
  expect(await read(bench, { generation: 2 })).toBe('ok')
  expect(await read(bench, { name: 'other' })).toBe('ok')
  clock.skip(27 * 3600)
  expect(await read(bench)).toBe('ok')
  expect(await read(bench, { name: 'other' })).toBe('ok')
})
