import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { successorOf } from '../../src/adapters/aws-secrets-manager/successor.ts'
import type { Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { refreshTokenStoreContract, type StoreHarness } from '../contract/refresh-token-store.ts'
import { canary, observeOutput } from '../support/canary.ts'
import { LossyProxy } from '../support/lossy-proxy.ts'
import { AwsBench } from '../unit/aws-secrets-manager/aws-bench.ts'
import { type Moto, startMoto } from './moto.ts'

let moto: Moto
let human: SecretsManagerClient
let keys = 0

beforeAll(async () => {
  moto = await startMoto()
  human = new SecretsManagerClient({
    endpoint: moto.endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDHUMAN', secretAccessKey: canary('secret') },
  })
})

afterAll(async () => {
  human.destroy()
  await moto.stop()
})

function freshKey(): string {
  keys += 1
  return `teams/ci/claude-${keys}`
}

async function put(key: string, text: string): Promise<void> {
  try {
    await human.send(new PutSecretValueCommand({ SecretId: key, SecretString: text }))
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error
    await human.send(new CreateSecretCommand({ Name: key, SecretString: text }))
  }
}

/** The label is named because moto, unlike AWS, answers an unnamed one with the version that was last put without labels. */
async function get(key: string): Promise<string> {
  const current = new GetSecretValueCommand({ SecretId: key, VersionStage: 'AWSCURRENT' })
  return (await human.send(current)).SecretString ?? ''
}

async function versions(key: string): Promise<readonly (readonly [string, readonly string[]])[]> {
  const listed = await human.send(new ListSecretVersionIdsCommand({ SecretId: key, IncludeDeprecated: true }))
  return (listed.Versions ?? []).map(({ VersionId = '', VersionStages = [] }) => [VersionId, VersionStages])
}

function describeResult(result: Result<unknown>): string {
  if (result.ok) return 'ok'
  observeOutput('a failure of the AWS store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

function isWrite({ target }: { target: string }): boolean {
  return target.endsWith('PutSecretValue')
}

refreshTokenStoreContract('AwsSecretsManagerStore, over moto,', async (): Promise<StoreHarness> => {
  const proxy = await new LossyProxy(moto.endpoint).start()
  const bench = new AwsBench({ endpoint: proxy.address })
  return {
    store: bench.store,
    location: (key, property) => bench.at(key, {}, property),
    put,
    get,
    freshKey,
    versions: async (key) => (await versions(key)).length,
    takeDown: () => Promise.resolve(proxy.takeDown()),
    bringUp: () => Promise.resolve(proxy.bringUp()),
    loseNextWriteAnswer: () => Promise.resolve(proxy.loseNextAnswer(isWrite)),
    takeDownAfterNextWrite: () => Promise.resolve(proxy.loseNextAnswer(isWrite, true)),
    stop: async () => {
      bench.store.close()
      await proxy.stop()
    },
  }
})

// What moto does not do, the fast suite shows on a server of our own: refusals by IAM and KMS, throttling, the quota of versions.

test('a version of ours is current, the one before it previous, and our label on the newest', async () => {
  const key = freshKey()
  await put(key, canary('rt'))
  const bench = new AwsBench({ endpoint: moto.endpoint })
  const base = await bench.store.read(bench.at(key))
  if (!base.ok) throw new Error(base.failure.message)
  const first = base.value.version
  const written = await bench.store.writeBack(bench.at(key), base.value, { refreshToken: new Sensitive(canary('rt')) })
  expect(describeResult(written)).toBe('ok')
  const labels = new Map((await versions(key)).map(([id, stages]) => [id, stages.toSorted()]))
  expect(labels.get(successorOf(first))).toEqual(['AWSCURRENT', 'OAUTHOP_LATEST'])
  expect(labels.get(first)).toEqual(['AWSPREVIOUS'])
  bench.store.close()
})

test('a crash between putting a version and making it current loses nothing', async () => {
  const key = freshKey()
  await put(key, canary('rt'))
  const proxy = await new LossyProxy(moto.endpoint).start()
  const dying = new AwsBench({ endpoint: proxy.address })
  const base = await dying.store.read(dying.at(key))
  if (!base.ok) throw new Error(base.failure.message)
  const [token, next] = [canary('rt'), canary('rt')]
  proxy.loseNextAnswer(isWrite, true)
  const lost = await dying.store.writeBack(dying.at(key), base.value, { refreshToken: new Sensitive(token) })
  expect(describeResult(lost)).toMatch(/^STORE_WRITE_UNKNOWN/)
  expect(await get(key)).toBe(base.value.refreshToken.reveal())

  const restarted = new AwsBench({ endpoint: moto.endpoint })
  const found = await restarted.store.read(restarted.at(key))
  if (!found.ok) throw new Error(found.failure.message)
  expect(found.value.refreshToken.reveal()).toBe(token)
  const after = { refreshToken: new Sensitive(next) }
  expect(describeResult(await restarted.store.writeBack(restarted.at(key), found.value, after))).toBe('ok')
  expect(await get(key)).toBe(next)
  for (const { store } of [dying, restarted]) store.close()
  await proxy.stop()
})

test('a proof moves no label, of a version by a human or by the operator', async () => {
  const key = freshKey()
  await put(key, canary('rt'))
  const bench = new AwsBench({ endpoint: moto.endpoint })
  for (const writes of [0, 1]) {
    const base = await bench.store.read(bench.at(key))
    if (!base.ok) throw new Error(base.failure.message)
    const before = await versions(key)
    expect(before).toHaveLength(writes + 1)
    expect(describeResult(await bench.store.proveWritable(bench.at(key), base.value))).toBe('ok')
    expect(await versions(key)).toEqual(before)
    await bench.store.writeBack(bench.at(key), base.value, { refreshToken: new Sensitive(canary('rt')) })
  }
  bench.store.close()
})

test('a proof tells of a deletion to come, and of a replica', async () => {
  const [key, replicated] = [freshKey(), freshKey()]
  await put(key, canary('rt'))
  const bench = new AwsBench({ endpoint: moto.endpoint })
  const base = await bench.store.read(bench.at(key))
  if (!base.ok) throw new Error(base.failure.message)
  await human.send(new DeleteSecretCommand({ SecretId: key }))
  expect(describeResult(await bench.store.proveWritable(bench.at(key), base.value))).toMatch(
    /^STORE_UNFIT: .* is scheduled for deletion \(DeletedDate 20/,
  )

  await human.send(
    new CreateSecretCommand({
      Name: replicated,
      SecretString: canary('rt'),
      AddReplicaRegions: [{ Region: 'us-east-1' }],
    }),
  )
  const away = new AwsBench({ endpoint: moto.endpoint, region: 'us-east-1' })
  const copy = await away.store.read(away.at(replicated))
  if (!copy.ok) throw new Error(copy.failure.message)
  expect(describeResult(await away.store.proveWritable(away.at(replicated), copy.value))).toMatch(
    /^STORE_UNFIT: .* is a replica in us-east-1 of the secret in eu-central-1/,
  )
  for (const { store } of [bench, away]) store.close()
})

test('a secret that is scheduled for deletion is named as that', async () => {
  const key = freshKey()
  await put(key, canary('rt'))
  await human.send(new DeleteSecretCommand({ SecretId: key }))
  const bench = new AwsBench({ endpoint: moto.endpoint })
  const result = describeResult(await bench.store.read(bench.at(key)))
  expect(result).toMatch(/^REFRESH_TOKEN_MISSING: .* it is scheduled for deletion/)
  bench.store.close()
})

test('a binary secret is not understood', async () => {
  const key = freshKey()
  await human.send(new CreateSecretCommand({ Name: key, SecretBinary: new Uint8Array([1, 2, 3]) }))
  const bench = new AwsBench({ endpoint: moto.endpoint })
  expect(describeResult(await bench.store.read(bench.at(key)))).toMatch(/^REFRESH_TOKEN_MALFORMED: .* is binary/)
  bench.store.close()
})

test('an ARN is a key as good as a name', async () => {
  const key = freshKey()
  const token = canary('rt')
  const { ARN = '' } = await human.send(new CreateSecretCommand({ Name: key, SecretString: token }))
  const bench = new AwsBench({ endpoint: moto.endpoint })
  const result = await bench.store.read(bench.at(ARN))
  expect(result.ok && result.value.refreshToken.reveal()).toBe(token)
  bench.store.close()
})
