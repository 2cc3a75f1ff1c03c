import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { successorOf } from '../../../src/adapters/aws-secrets-manager/successor.ts'
import type { DocumentClaim } from '../../../src/domain/document-claim.ts'
import type { Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { StoredRefreshToken } from '../../../src/ports/refresh-token-store.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { type AwsFault, FakeSecretsManager } from '../../support/fake-secrets-manager.ts'
import { AwsBench } from './aws-bench.ts'

const key = 'teams/ci/claude'
let aws: FakeSecretsManager
let bench: AwsBench

beforeEach(async () => {
  aws = await new FakeSecretsManager().start()
  bench = new AwsBench({ endpoint: aws.endpoint }, { timeoutMs: 300 })
})

afterEach(async () => {
  bench.store.close()
  await aws.stop()
})

async function stored(text = `{"refresh_token":"${canary('rt')}"}`): Promise<StoredRefreshToken> {
  aws.put(key, text)
  return read()
}

async function read(): Promise<StoredRefreshToken> {
  const result = await bench.store.read(bench.at(key))
  if (!result.ok) throw new Error(result.failure.message)
  aws.requests.splice(0)
  return result.value
}

function textOf(result: Result<unknown>): string {
  if (result.ok) return 'ok'
  observeOutput('a failure of the AWS store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

async function prove(base: StoredRefreshToken): Promise<string> {
  return textOf(await bench.store.proveWritable(bench.at(key), base))
}

async function rotate(base: StoredRefreshToken): Promise<Result<StoredRefreshToken>> {
  return bench.store.writeBack(bench.at(key), base, { refreshToken: new Sensitive(canary('rt')) })
}

describe('a proof', () => {
  test('describes the secret, and puts the version that is there once more', async () => {
    const base = await stored()
    const labels = aws.labels(key)
    expect(await prove(base)).toBe('ok')
    expect(aws.requests.map(({ action }) => action).toSorted()).toEqual(['DescribeSecret', 'PutSecretValue'])
    expect(aws.requests.find(({ action }) => action === 'PutSecretValue')?.input).toMatchObject({
      ClientRequestToken: base.version,
      SecretString: base.document.reveal(),
      VersionStages: ['OAUTHOP_LATEST'],
    })
    expect(aws.labels(key)).toEqual(labels)
    expect(aws.versions(key)).toBe(1)
  })

  test('leaves the labels of a version of ours where they are', async () => {
    await rotate(await stored())
    const labels = aws.labels(key)
    expect(await prove(await read())).toBe('ok')
    expect(aws.labels(key)).toEqual(labels)
  })

  test('over a version that has a successor is a conflict, before its label has followed', async () => {
    const base = await stored()
    aws.forbiddenActions.add('UpdateSecretVersionStage')
    await rotate(base)
    expect(aws.idOf(key, 'AWSCURRENT')).toBe(base.version)
    expect(await prove(base)).toMatch(/^STORE_CONFLICT/)
    expect(await prove(await read())).toBe('ok')
  })

  test('passes over a label that was put back', async () => {
    const first = await stored()
    await rotate(first)
    aws.makeCurrent(key, first.version)
    expect(await prove(await read())).toBe('ok')
    expect(await prove(first)).toMatch(/^STORE_CONFLICT/)
  })

  test('over a secret that is gone is a conflict', async () => {
    const base = await stored()
    aws.remove(key)
    expect(await prove(base)).toMatch(/^STORE_CONFLICT/)
  })

  test.for<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['rotation', { RotationEnabled: true }, /^STORE_UNFIT: .*RotationEnabled true/],
    ['rotation that is switched off', { RotationEnabled: false }, /^ok$/],
    ['a replica', { PrimaryRegion: 'us-east-1' }, /^STORE_UNFIT: .* replica in eu-central-1 .* us-east-1/],
    ['a primary', { PrimaryRegion: 'eu-central-1' }, /^ok$/],
    ['a deletion', { DeletedDate: 1_795_176_000 }, /^STORE_UNFIT: .* \(DeletedDate 2026-11-20T/],
  ])('of a secret with %s', async ([, settings, says]) => {
    const base = await stored()
    aws.configure(key, settings)
    expect(await prove(base)).toMatch(says)
  })
})

describe('without the right to describe', () => {
  beforeEach(() => void aws.forbiddenActions.add('DescribeSecret'))

  test('the secret is read again, and the settings are not known', async () => {
    const base = await stored()
    aws.configure(key, { RotationEnabled: true })
    expect(await prove(base)).toBe('ok')
    aws.put(key, canary('rt'))
    expect(await prove(base)).toMatch(/^STORE_CONFLICT/)
  })

  test('a deletion is known nevertheless', async () => {
    const base = await stored()
    aws.scheduleDeletion(key)
    expect(await prove(base)).toMatch(/^STORE_UNFIT: .* is scheduled for deletion/)
  })

  test('and to write, it is the writing that is refused', async () => {
    const base = await stored()
    aws.forbiddenActions.add('PutSecretValue')
    expect(await prove(base)).toMatch(/^STORE_FORBIDDEN: .*prove that it may write/)
  })
})

const faults: Readonly<Record<string, [AwsFault, string]>> = {
  'no right': [{ error: 'AccessDeniedException' }, 'STORE_FORBIDDEN'],
  'no use of the key': [{ error: 'EncryptionFailure' }, 'STORE_FORBIDDEN'],
  'too many requests': [{ error: 'ThrottlingException' }, 'STORE_THROTTLED'],
  'credentials that have ended': [{ error: 'ExpiredTokenException' }, 'STORE_LOGIN_REJECTED'],
  'another state': [{ error: 'InvalidRequestException' }, 'STORE_UNAVAILABLE'],
}
test.for(Object.entries(faults))('a proof whose put meets %s', async ([, [fault, code]]) => {
  const base = await stored()
  aws.fault('PutSecretValue', fault)
  expect(await prove(base)).toContain(code)
  expect(await prove(base)).toBe('ok')
})

test.for<[string, AwsFault]>([
  ['an error after the fact', { carryOutAndFail: true }],
  ['a broken connection', { break: true, carryOut: true }],
  ['no answer', 'hang'],
])('a proof whose put meets %s is made again, and has changed nothing', async ([, fault]) => {
  const base = await stored()
  const labels = aws.labels(key)
  aws.fault('PutSecretValue', fault)
  expect(await prove(base)).toBe('ok')
  aws.fault('PutSecretValue', fault, 2)
  expect(await prove(base)).toContain('STORE_UNAVAILABLE')
  expect(aws.labels(key)).toEqual(labels)
})

describe('a claim', () => {
  const claim = (owner: string): DocumentClaim => ({
    owner,
    ownerName: owner,
    sealingKey: new Sensitive(Buffer.alloc(32, owner).toString('base64')),
  })

  test('is written over a version as a successor is', async () => {
    const base = await stored()
    const claimed = await bench.store.claim(bench.at(key), base, claim('blue'))
    expect(claimed.ok && claimed.value.version).toBe(successorOf(base.version))
    expect(aws.idOf(key, 'AWSCURRENT')).toBe(successorOf(base.version))
    expect(JSON.parse(aws.get(key))).toMatchObject({ _oauthop: { owners: { '/refresh_token': { id: 'blue' } } } })
  })

  test('of a rival with the same refresh token is not taken for ours', async () => {
    const base = await stored()
    expect(textOf(await bench.store.claim(bench.at(key), base, claim('blue')))).toBe('ok')
    expect(textOf(await bench.store.claim(bench.at(key), base, claim('green')))).toMatch(/^STORE_CONFLICT/)
    expect((await read()).claim).toMatchObject({ claim: { owner: 'blue' } })
  })

  test('has no room in a bare token', async () => {
    const base = await stored(canary('rt'))
    expect(base).not.toHaveProperty('claim')
    await expect(bench.store.claim(bench.at(key), base, claim('blue'))).rejects.toThrow('no room')
  })
})
