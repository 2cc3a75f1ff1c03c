import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import { storeText, type TokenStore, type VaultAuth } from '../../domain/token-store.ts'
import type { SecretReader, ServiceAccountTokens } from '../../ports/secret-reader.ts'
import { type Attempt, classifyLogin } from './classify.ts'
import type { AmbientCredentials } from './connection-policy.ts'
import { Auth, parseJson, TokenLookup } from './schema.ts'
import type { VaultExchange, VaultRequest } from './vault-connection.ts'

/** A Vault token as it was issued or looked up. */
export interface VaultLogin {
  readonly token: Sensitive
  /** Undefined: it does not end, or nothing is known of its end. */
  readonly ttlSeconds?: number
  readonly renewable: boolean
}

export interface LoginDeps {
  readonly secrets: SecretReader
  readonly serviceAccountTokens: ServiceAccountTokens
  readonly ambientCredentials: AmbientCredentials
  now(): EpochSeconds
  /** Sends a request, with this token if one is given. */
  send(request: VaultRequest, token?: Sensitive): Promise<VaultExchange>
}

/**
 * Gets a Vault token as `auth` says.
 *
 * Failures: STORE_LOGIN_REJECTED, STORE_ACCESS_NOT_GRANTED, STORE_UNAVAILABLE, STORE_THROTTLED,
 * ENDPOINT_NOT_ALLOWED, and those of the readers of Secrets and ServiceAccount tokens.
 */
export async function logIn(auth: VaultAuth, store: TokenStore, deps: LoginDeps): Promise<Result<VaultLogin>> {
  if (auth.method === 'token') return staticToken(auth, store, deps)
  const credential = auth.method === 'appRole' ? await appRole(auth, store, deps) : await jwt(auth, store, deps)
  if (!credential.ok) return credential
  const path = `auth/${encodePath(auth.mount)}/login`
  const body = new Sensitive(JSON.stringify(credential.value.reveal()))
  const exchange = await deps.send({ method: 'POST', path, body })
  return readLogin(exchange, { text: `log in to ${storeText(store)} by ${loginText(auth)}`, now: deps.now() })
}

/** The login of a renewal or a login answer. */
export function readLogin(exchange: VaultExchange, attempt: Attempt): Result<VaultLogin> {
  const issued =
    exchange.kind === 'answered' && exchange.answer.status === 200
      ? Auth.safeParse(parseJson(exchange.answer.body))
      : undefined
  if (issued?.success !== true) return failed(classifyLogin(exchange, attempt))
  const { client_token: token, lease_duration: ttlSeconds, renewable } = issued.data.auth
  return ok({ token: new Sensitive(token), renewable, ...(ttlSeconds > 0 ? { ttlSeconds } : {}) })
}

/** After a refusal: what was read of Secrets may be an older version than what is there now. */
export function forgetCredentials(auth: VaultAuth, store: TokenStore, secrets: SecretReader): void {
  if (auth.method === 'token') secrets.forget(store.namespace, auth.secretRef.name)
  if (auth.method === 'appRole') secrets.forget(store.namespace, auth.secretIdRef.name)
}

function loginText(auth: VaultAuth): string {
  switch (auth.method) {
    case 'token':
      return 'token'
    case 'appRole':
      return `AppRole at auth/${auth.mount}`
    case 'kubernetes':
      return `Kubernetes role ${auth.role} at auth/${auth.mount}`
  }
}

/** Percent-encodes the segments of a path. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

type TokenAuth = Extract<VaultAuth, { method: 'token' }>
type AppRoleAuth = Extract<VaultAuth, { method: 'appRole' }>
type KubernetesAuth = Extract<VaultAuth, { method: 'kubernetes' }>

/** A token that a human made. What is not known of it, because it may not look at itself, is found out by using it. */
async function staticToken(auth: TokenAuth, store: TokenStore, deps: LoginDeps): Promise<Result<VaultLogin>> {
  const secret = await deps.secrets.read(store.namespace, auth.secretRef)
  if (!secret.ok) return secret
  const token = new Sensitive(secret.value.reveal().trim())
  const exchange = await deps.send({ method: 'GET', path: 'auth/token/lookup-self' }, token)
  const lookup =
    exchange.kind === 'answered' && exchange.answer.status === 200
      ? TokenLookup.safeParse(parseJson(exchange.answer.body))
      : undefined
  if (lookup?.success !== true) return ok({ token, renewable: false })
  const { ttl, renewable = false } = lookup.data.data
  return ok({ token, renewable: renewable && ttl > 0, ...(ttl > 0 ? { ttlSeconds: ttl } : {}) })
}

type Credential = Result<Sensitive<Readonly<Record<string, string>>>>

async function appRole(auth: AppRoleAuth, store: TokenStore, deps: LoginDeps): Promise<Credential> {
  const secretId = await deps.secrets.read(store.namespace, auth.secretIdRef)
  if (!secretId.ok) return secretId
  return ok(new Sensitive({ role_id: auth.roleId, secret_id: secretId.value.reveal().trim() }))
}

async function jwt(auth: KubernetesAuth, store: TokenStore, deps: LoginDeps): Promise<Credential> {
  const borrowed = auth.serviceAccount === undefined && store.namespace !== undefined
  if (borrowed && deps.ambientCredentials !== 'all') {
    const what = `${storeText(store)} names no ServiceAccount to log in with, and the identity of the operator is not for namespaced stores.`
    return failed(failure('STORE_ACCESS_NOT_GRANTED', what))
  }
  const token = await deps.serviceAccountTokens.token(store.namespace, auth.serviceAccount)
  return token.ok ? ok(new Sensitive({ role: auth.role, jwt: token.value.reveal() })) : token
}
