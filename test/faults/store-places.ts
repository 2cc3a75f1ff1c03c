import { Pool } from 'undici'
import { successorOf } from '../../src/adapters/aws-secrets-manager/successor.ts'
import { manifestOf } from './manifest-of.ts'
import { makeAppRole, readmePolicy, writePolicy } from '../servers/vault-logins.ts'
import { startMoto } from '../servers/moto.ts'
import { startVault, type Vault } from '../servers/vault.ts'

/** A store of refresh tokens as people see it who log in, and as the tests look into it. */
export interface StorePlace {
  readonly kind: 'vault' | 'aws'
  /** Secrets that the TokenStore names, by name. */
  readonly logins: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Flags without which the operator does not use such a store here. */
  readonly flags: readonly string[]
  /** The TokenStore, at the address of the store itself or of what stands before it. */
  manifest(namespace: string, address?: string): object
  readonly address: string
  /** The refresh token in the current document; undefined when there is none. */
  read(name: string): Promise<string | undefined>
  /** What a person does who has logged in anew. */
  write(name: string, refreshToken: string): Promise<void>
  stop(): Promise<void>
}

export interface VaultPlace extends StorePlace {
  readonly vault: Vault
}

export function keyOf(name: string): string {
  return `teams/faults/${name}`
}

export async function startVaultPlace({ tls = true }: { readonly tls?: boolean } = {}): Promise<VaultPlace> {
  const vault = await startVault({ tls })
  await writePolicy(vault, 'operator', readmePolicy)
  const { roleId, secretId } = await makeAppRole(vault, 'operator')
  const pool = new Pool(vault.address, {
    connections: 8,
    ...(vault.caPem !== undefined && { connect: { ca: vault.caPem } }),
  })
  const headers = { 'x-vault-token': vault.rootToken }
  const path = (name: string): string => `/v1/secret/data/${keyOf(name)}`
  const ca = vault.caPem
  return {
    kind: 'vault',
    vault,
    address: vault.address,
    logins: { 'vault-login': { 'secret-id': secretId }, ...(ca !== undefined && { 'vault-ca': { 'ca.crt': ca } }) },
    flags: tls ? [] : ['--allow-plain-http'],
    manifest: (namespace, address = vault.address) =>
      manifestOf('TokenStore', namespace, 'store', {
        vault: {
          address,
          auth: { appRole: { roleId, secretIdRef: { name: 'vault-login', key: 'secret-id' } } },
          ...(tls && { tls: { caBundleSecretRef: { name: 'vault-ca', key: 'ca.crt' } } }),
        },
      }),
    read: async (name) => {
      const { statusCode, body } = await pool.request({ method: 'GET', path: path(name), headers })
      const answer = (await body.json()) as { readonly data?: { readonly data?: Readonly<Record<string, unknown>> } }
      if (statusCode !== 200 && statusCode !== 404) throw new Error(`Vault answered ${statusCode} for ${name}`)
      return tokenIn(answer.data?.data)
    },
    write: async (name, refreshToken) => {
      const payload = JSON.stringify({ data: { refresh_token: refreshToken, account: name } })
      const { statusCode, body } = await pool.request({ method: 'POST', path: path(name), headers, body: payload })
      await body.dump()
      if (statusCode >= 300) throw new Error(`Vault answered ${statusCode} when ${name} was written`)
    },
    stop: async () => {
      await pool.destroy()
      await vault.stop()
    },
  }
}

/** @param minimumWriteInterval of the TokenStore; default: its own. */
export async function startAwsPlace(minimumWriteInterval?: string): Promise<StorePlace> {
  const moto = await startMoto()
  const pool = new Pool(moto.endpoint, { connections: 4 })
  // moto takes any signature.
  const authorization =
    'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-central-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0'
  const call = async (operation: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
    const headers = {
      authorization,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `secretsmanager.${operation}`,
    }
    const answer = await pool.request({ method: 'POST', path: '/', headers, body: JSON.stringify(body) })
    return { status: answer.statusCode, ...((await answer.body.json()) as object) }
  }
  const get = async (version: object): Promise<{ readonly id: string; readonly text: string } | undefined> => {
    const { status, VersionId, SecretString } = await call('GetSecretValue', version)
    return status === 200 ? { id: String(VersionId), text: String(SecretString) } : undefined
  }
  return {
    kind: 'aws',
    address: moto.endpoint,
    logins: { 'aws-login': { 'access-key-id': 'AKIAEXAMPLE', 'secret-access-key': 'faults-secret-access-key' } },
    flags: ['--allow-plain-http'],
    manifest: (namespace, address = moto.endpoint) =>
      manifestOf('TokenStore', namespace, 'store', {
        awsSecretsManager: {
          region: 'eu-central-1',
          endpoint: address,
          auth: { secretRef: { name: 'aws-login' } },
          ...(minimumWriteInterval !== undefined && { minimumWriteInterval }),
        },
      }),
    read: async (name) => {
      // As the operator reads: the current version, and behind it what was written over it and not made current yet.
      let version = await get({ SecretId: keyOf(name), VersionStage: 'AWSCURRENT' })
      for (let next = version; next !== undefined;) {
        version = next
        next = await get({ SecretId: keyOf(name), VersionId: successorOf(version.id) })
      }
      return version && tokenIn(JSON.parse(version.text))
    },
    write: async (name, refreshToken) => {
      const SecretString = JSON.stringify({ refresh_token: refreshToken, account: name })
      const SecretId = keyOf(name)
      const current = await get({ SecretId, VersionStage: 'AWSCURRENT' })
      if (current === undefined) return expectSuccess(await call('CreateSecret', { Name: SecretId, SecretString }))
      // At AWS the put alone would do; moto leaves the stage on two versions when it was ever moved.
      const put = await call('PutSecretValue', { SecretId, SecretString, VersionStages: ['LOGIN'] })
      expectSuccess(put)
      const stage = { VersionStage: 'AWSCURRENT', RemoveFromVersionId: current.id, MoveToVersionId: put['VersionId'] }
      expectSuccess(await call('UpdateSecretVersionStage', { SecretId, ...stage }))
    },
    stop: async () => {
      await pool.destroy()
      await moto.stop()
    },
  }
}

function expectSuccess({ status, message }: Readonly<Record<string, unknown>>): void {
  if (status !== 200) throw new Error(`moto answered ${String(status)}: ${String(message)}`)
}

function tokenIn(document: unknown): string | undefined {
  if (typeof document !== 'object' || document === null || !('refresh_token' in document)) return undefined
  return typeof document.refresh_token === 'string' ? document.refresh_token : undefined
}
