import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { successorOf } from '../../../src/adapters/aws-secrets-manager/successor.ts'
import type { Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { TokenStore } from '../../../src/domain/token-store.ts'
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

function describeResult(result: Result<unknown>): string {
  if (result.ok) return 'ok'
  observeOutput('a failure of the AWS store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

async function read(changes?: Partial<TokenStore>): Promise<string> {
  return describeResult(await bench.store.read(bench.at(key, changes)))
}

async function stored(): Promise<StoredRefreshToken> {
  const result = await bench.store.read(bench.at(key))
  if (!result.ok) throw new Error(result.failure.message)
  return result.value
}

async function write(base: StoredRefreshToken, tokens: { refreshToken: Sensitive }): Promise<string> {
  return describeResult(await bench.store.writeBack(bench.at(key), base, tokens))
}

function rotated(): { refreshToken: Sensitive } {
  return { refreshToken: new Sensitive(canary('rt')) }
}

describe('the document', () => {
  test('may be the bare token, and is written character for character', async () => {
    aws.put(key, `${canary('rt')}\n`)
    const tokens = rotated()
    expect(await write(await stored(), tokens)).toBe('ok')
    expect(aws.get(key)).toBe(`${tokens.refreshToken.reveal()}\n`)
  })

  test('that was written is current, the one before is previous, and a label keeps it from being pruned', async () => {
    const first = aws.put(key, canary('rt'))
    await write(await stored(), rotated())
    expect(aws.idOf(key, 'AWSCURRENT')).toBe(successorOf(first))
    expect(aws.idOf(key, 'AWSPREVIOUS')).toBe(first)
    expect(aws.idOf(key, 'OAUTHOP_LATEST')).toBe(successorOf(first))
    await write(await stored(), rotated())
    expect(aws.idOf(key, 'OAUTHOP_LATEST')).toBe(successorOf(successorOf(first)))
    expect(aws.requests.filter(({ action }) => action !== 'GetSecretValue')).toHaveLength(4)
  })

  test('is read with one look for a successor, and counted', async () => {
    aws.put(key, canary('rt'))
    await stored()
    expect([...bench.counts]).toEqual([['storeRequest awsSecretsManager read', 2]])
  })
})

describe('a crash between putting a version and making it current', () => {
  test('loses nothing: the next read brings the new token, and the next write passes it by', async () => {
    aws.put(key, canary('rt'))
    const [tokens, later] = [rotated(), rotated()]
    aws.fault('UpdateSecretVersionStage', { break: true, carryOut: false }, 2)
    expect(await write(await stored(), tokens)).toMatch(/^STORE_WRITE_UNKNOWN/)
    const found = await stored()
    expect(found.refreshToken.reveal()).toBe(tokens.refreshToken.reveal())
    expect(await write(found, later)).toBe('ok')
    expect(aws.get(key)).toBe(later.refreshToken.reveal())
  })

  test('is made good by the same write again', async () => {
    aws.put(key, canary('rt'))
    const [base, tokens] = [await stored(), rotated()]
    aws.fault('UpdateSecretVersionStage', { break: true, carryOut: false }, 2)
    await write(base, tokens)
    expect(await write(base, tokens)).toBe('ok')
    expect(aws.get(key)).toBe(tokens.refreshToken.reveal())
    expect(aws.versions(key)).toBe(2)
  })

  test('by a writer that may not move labels keeps failing, and loses nothing either', async () => {
    aws.put(key, canary('rt'))
    const tokens = rotated()
    aws.fault('UpdateSecretVersionStage', { error: 'AccessDeniedException' })
    expect(await write(await stored(), tokens)).toMatch(/^STORE_FORBIDDEN/)
    expect((await stored()).refreshToken.reveal()).toBe(tokens.refreshToken.reveal())
  })
})

describe('a label', () => {
  test('that was put back to a spent token is passed by', async () => {
    const first = aws.put(key, canary('rt'))
    const [second, third] = [rotated(), rotated()]
    await write(await stored(), second)
    aws.makeCurrent(key, first)
    const found = await stored()
    expect(found.refreshToken.reveal()).toBe(second.refreshToken.reveal())
    expect(await write(found, third)).toBe('ok')
    expect(aws.get(key)).toBe(third.refreshToken.reveal())
  })

  test('that somebody moves in between is not moved back', async () => {
    aws.put(key, canary('rt'))
    const base = await stored()
    const theirs = canary('rt')
    aws.beforeNext('UpdateSecretVersionStage', () => void aws.put(key, theirs))
    expect(await write(base, rotated())).toMatch(/^STORE_CONFLICT/)
    expect(aws.get(key)).toBe(theirs)
    expect((await stored()).refreshToken.reveal()).toBe(theirs)
  })

  test('that is on a later version of ours stays there', async () => {
    aws.put(key, canary('rt'))
    const [base, second, third] = [await stored(), rotated(), rotated()]
    await write(base, second)
    await write(await stored(), third)
    expect(await write(base, second)).toMatch(/^STORE_CONFLICT/)
    expect(aws.get(key)).toBe(third.refreshToken.reveal())
  })

  test('whose move was carried out unheard is found where it should be', async () => {
    aws.put(key, canary('rt'))
    const tokens = rotated()
    aws.fault('UpdateSecretVersionStage', { break: true, carryOut: true })
    expect(await write(await stored(), tokens)).toBe('ok')
    expect(aws.get(key)).toBe(tokens.refreshToken.reveal())
  })

  test.for([
    ['cannot be looked for', 'GetSecretValue'],
    ['cannot be moved a second time', 'UpdateSecretVersionStage'],
  ] as const)('that %s after a refusal leaves the outcome open', async ([, action]) => {
    const first = aws.put(key, canary('rt'))
    await write(await stored(), rotated())
    aws.makeCurrent(key, first)
    const base = await stored()
    if (action === 'UpdateSecretVersionStage') aws.fault(action, { error: 'InvalidParameterException' })
    aws.fault(action, { error: 'InternalServiceError', status: 500 }, 2)
    expect(await write(base, rotated())).toMatch(/^STORE_WRITE_UNKNOWN/)
  })
})

describe('a rival under the same id', () => {
  async function withRival(text: (token: string) => string, token: string): Promise<string> {
    const first = aws.put(key, JSON.stringify({ refresh_token: canary('rt'), access_token: canary('at') }))
    const base = await stored()
    const id = successorOf(first)
    const rival = await import('@aws-sdk/client-secrets-manager')
    const client = new rival.SecretsManagerClient({
      endpoint: aws.endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'AKID', secretAccessKey: canary('secret') },
    })
    const SecretString = text(token)
    await client.send(
      new rival.PutSecretValueCommand({ SecretId: key, ClientRequestToken: id, SecretString, VersionStages: ['X'] }),
    )
    client.destroy()
    return write(base, { refreshToken: new Sensitive(token) })
  }

  test('with the same refresh token is as good as ours', async () => {
    const token = canary('rt')
    expect(await withRival((refresh) => JSON.stringify({ refresh_token: refresh }), token)).toBe('ok')
    expect(aws.get(key)).toBe(JSON.stringify({ refresh_token: token }))
  })

  test('with another refresh token came first', async () => {
    expect(await withRival(() => JSON.stringify({ refresh_token: canary('rt') }), canary('rt'))).toMatch(
      /^STORE_CONFLICT/,
    )
  })

  test('that cannot be read leaves the outcome open', async () => {
    aws.put(key, canary('rt'))
    const base = await stored()
    aws.fault('PutSecretValue', { error: 'ResourceExistsException' })
    expect(await write(base, rotated())).toMatch(/^STORE_WRITE_UNKNOWN/)
  })
})

describe('what is missing is named', () => {
  test('a secret that does not exist', async () => {
    expect(await read()).toMatch(
      /^REFRESH_TOKEN_MISSING: .*"teams\/ci\/claude" of ClusterTokenStore aws: it does not exist\./,
    )
  })

  test('a secret that is scheduled for deletion', async () => {
    aws.put(key, canary('rt'))
    const base = await stored()
    aws.scheduleDeletion(key)
    expect(await read()).toMatch(/^REFRESH_TOKEN_MISSING: .*: it is scheduled for deletion\./)
    expect(await write(base, rotated())).toMatch(/^STORE_CONFLICT/)
  })

  test('a secret that vanished in between', async () => {
    aws.put(key, canary('rt'))
    const base = await stored()
    aws.remove(key)
    expect(await write(base, rotated())).toMatch(/^STORE_CONFLICT/)
  })

  test('the text of a binary secret', async () => {
    aws.put(key, undefined)
    expect(await read()).toMatch(
      /^REFRESH_TOKEN_MALFORMED: The document "teams\/ci\/claude" of ClusterTokenStore aws is binary\./,
    )
  })
})

const answers: Record<string, readonly [AwsFault, string]> = {
  'a policy': [
    { error: 'AccessDeniedException' },
    'STORE_FORBIDDEN: .*: the policies of the identity do not allow it\\.',
  ],
  'a KMS key that may not decrypt': [{ error: 'DecryptionFailure' }, 'STORE_FORBIDDEN: .*: the KMS key of the secret'],
  'too many requests': [
    { error: 'ThrottlingException' },
    'STORE_THROTTLED: .*: there are more requests than AWS takes',
  ],
  'too many requests, without a name': [{ status: 429, body: '' }, 'STORE_THROTTLED'],
  'an expired session': [{ error: 'ExpiredTokenException' }, 'STORE_LOGIN_REJECTED: .*: AWS does not accept the cred'],
  'a wrong secret access key': [{ error: 'InvalidSignatureException' }, 'STORE_LOGIN_REJECTED'],
  'a secret id that AWS does not accept': [{ error: 'InvalidParameterException' }, 'STORE_UNAVAILABLE: .*a parameter'],
  'a secret in a state of its own': [
    { error: 'InvalidRequestException' },
    'STORE_UNAVAILABLE: .*the state of the secret',
  ],
  'a server error': [
    { error: 'InternalServiceError', status: 500 },
    'STORE_UNAVAILABLE: .*: Secrets Manager had an error',
  ],
  'a proxy in front of nothing': [{ status: 502, body: '<html>' }, 'STORE_UNAVAILABLE: .*: AWS answered HTTP 502'],
  'an answer that is not JSON': [{ status: 200, body: '<html>' }, 'STORE_UNAVAILABLE'],
  'an answer without a version': [{ status: 200, body: '{}' }, 'STORE_UNAVAILABLE'],
  'a broken connection': [{ break: true, carryOut: false }, 'STORE_UNAVAILABLE: .*failed \\(UND_ERR_SOCKET\\)'],
  'a server that does not answer': ['hang', 'STORE_UNAVAILABLE: .*: AWS did not answer in time'],
  'an answer without end': [{ status: 200, body: 'a'.repeat(600_000) }, 'STORE_UNAVAILABLE: .*longer than any of AWS'],
}

describe('a read meets', () => {
  test.for(Object.entries(answers))('%s', async ([, [fault, expected]]) => {
    aws.put(key, canary('rt'))
    aws.fault('GetSecretValue', fault)
    expect(await read()).toMatch(new RegExp(`^${expected}`))
  })

  test('trouble in the look for a successor, and does not guess', async () => {
    aws.put(key, canary('rt'))
    aws.beforeNext('GetSecretValue', () =>
      aws.beforeNext('GetSecretValue', () => aws.fault('GetSecretValue', { error: 'ThrottlingException' })),
    )
    expect(await read()).toMatch(/^STORE_THROTTLED/)
  })
})

interface WriteCase {
  readonly faults: readonly AwsFault[]
  readonly code: string
  readonly versions: number
}

const writes: Record<string, WriteCase> = {
  'a server error after the commit': { faults: [{ carryOutAndFail: true }], code: 'ok', versions: 2 },
  'a connection that is lost before the commit': {
    faults: [{ break: true, carryOut: false }],
    code: 'ok',
    versions: 2,
  },
  'two answers that are lost': {
    faults: [
      { break: true, carryOut: true },
      { break: true, carryOut: true },
    ],
    code: 'STORE_WRITE_UNKNOWN',
    versions: 2,
  },
  'a refusal after an answer that was lost': {
    faults: [{ break: true, carryOut: true }, { error: 'AccessDeniedException' }],
    code: 'STORE_WRITE_UNKNOWN',
    versions: 2,
  },
  'too many requests': { faults: [{ error: 'ThrottlingException' }], code: 'STORE_THROTTLED', versions: 1 },
  'a KMS key that may not encrypt': { faults: [{ error: 'EncryptionFailure' }], code: 'STORE_FORBIDDEN', versions: 1 },
  'two servers that do not answer': { faults: ['hang', 'hang'], code: 'STORE_WRITE_UNKNOWN', versions: 1 },
}

describe('a write meets', () => {
  test.for(Object.entries(writes))('%s', async ([, { faults, code, versions }]) => {
    aws.put(key, canary('rt'))
    const base = await stored()
    for (const fault of faults) aws.fault('PutSecretValue', fault)
    expect(await write(base, rotated())).toMatch(new RegExp(`^${code}`))
    expect(aws.versions(key)).toBe(versions)
  })

  test('the end of the versions that AWS keeps, and says when to come back', async () => {
    aws.put(key, canary('rt'))
    const base = await stored()
    aws.mostVersions = 1
    const result = await bench.store.writeBack(bench.at(key), base, rotated())
    expect(describeResult(result)).toMatch(/^STORE_THROTTLED: .*as many versions as AWS keeps/)
    expect(result).toMatchObject({ failure: { retryAfterSeconds: 900 } })
  })
})
