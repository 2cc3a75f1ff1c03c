import { type Credential, providerOf, type ProviderRef, refreshTokenSpec, type StoreRef } from './credential.ts'
import { clientProblem } from './client-credentials.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed, Referent } from './observed.ts'
import { type Provider, providerText } from './provider.ts'
import type { InvalidReferent, Problem } from './resources.ts'
import { staticAccessProblem, storeAccessProblem } from './store-access.ts'
import { storeText, type TokenStore } from './token-store.ts'

/** The manifests that an attempt needs, all usable. */
export interface Referents {
  readonly provider: Provider
  readonly store: TokenStore
}

/** Why a credential cannot be acted on, whatever its grant; undefined when everything that it needs is there. */
export function unusableReferent(observed: Observed): Failure | undefined {
  const { grant } = observed.credential.spec
  if (grant === 'ClientCredentials') return failureIn(usableClient(observed))
  if (grant === 'StaticToken') return failureIn(usableStore(observed))
  return failureIn(usableReferents(observed))
}

function failureIn(found: object | Failure): Failure | undefined {
  return isFailure(found) ? found : undefined
}

/** The provider of a credential of the grant ClientCredentials, or why it cannot be used. */
export function usableClient({ credential, provider }: Observed): Provider | Failure {
  const { spec } = credential
  if (spec.grant !== 'ClientCredentials') throw new Error(`a credential of the grant ${spec.grant} is no client`)
  if (provider.kind !== 'found') return providerFailure(spec.provider, credential, provider)
  return clientProblem(credential, provider.value) ?? provider.value
}

/** The provider of a credential that is being deleted, or why it cannot be used. */
export function providerFor({ credential, provider }: Observed): Provider | Failure {
  const ref = providerOf(credential.spec)
  if (provider.kind === 'found') return provider.value
  if (ref === undefined) throw new Error(`a credential of the grant ${credential.spec.grant} has no provider`)
  return providerFailure(ref, credential, provider)
}

/** The store of a static token, or why it cannot be used. */
export function usableStore({ credential, store, namespaceLabels }: Observed): TokenStore | Failure {
  const { spec, key } = credential
  if (spec.grant !== 'StaticToken') throw new Error(`a credential of the grant ${spec.grant} has no static token`)
  if (store.kind !== 'found') return storeFailure(spec.accessToken.store, key.namespace, store)
  const problem = staticAccessProblem(store.value, key.namespace, spec.accessToken.key, namespaceLabels)
  return problem === undefined ? store.value : failure('STORE_ACCESS_NOT_GRANTED', problem)
}

/** What a credential of the grant RefreshToken refers to, or why it cannot be used. */
export function usableReferents(observed: Observed): Referents | Failure {
  const { credential, provider, store } = observed
  const spec = refreshTokenSpec(credential)
  if (provider.kind !== 'found') return providerFailure(spec.provider, credential, provider)
  if (store.kind !== 'found') return storeFailure(spec.refreshToken.store, credential.key.namespace, store)
  const problem = storeAccessProblem(store.value, credential, provider.value, observed.namespaceLabels)
  if (problem !== undefined) return failure('STORE_ACCESS_NOT_GRANTED', problem)
  return { provider: provider.value, store: store.value }
}

export function isFailure(value: object | Failure): value is Failure {
  return 'code' in value
}

function providerFailure(
  ref: ProviderRef,
  credential: Credential,
  referent: Exclude<Referent<Provider>, { kind: 'found' }>,
): Failure {
  const name = providerText(withNamespace(ref, ref.kind === 'OAuthProvider', credential))
  return referent.kind === 'invalid'
    ? failure('PROVIDER_INVALID', `${name} is invalid: ${problemsText(referent.referent)}.`)
    : failure('PROVIDER_NOT_FOUND', `${name} does not exist.`)
}

/** Why a store cannot be used. `namespace` is the credential's. */
export function storeFailure(
  ref: StoreRef,
  namespace: string,
  referent: Exclude<Referent<TokenStore>, { kind: 'found' }>,
): Failure {
  const name = storeText(ref.kind === 'TokenStore' ? { ...ref, namespace } : ref)
  return referent.kind === 'invalid'
    ? failure('STORE_INVALID', `${name} is invalid: ${problemsText(referent.referent)}.`)
    : failure('STORE_NOT_FOUND', `${name} does not exist.`)
}

function withNamespace<R extends object>(
  ref: R,
  namespaced: boolean,
  credential: Credential,
): R & { namespace?: string } {
  return namespaced ? { ...ref, namespace: credential.key.namespace } : ref
}

function problemsText(referent: Pick<InvalidReferent, 'problems'>): string {
  return problemList(referent.problems)
}

/** `field: message; field: message`, at most three. */
export function problemList(problems: readonly Problem[]): string {
  const shown = problems.slice(0, 3).map(({ field, message }) => `${field}: ${message}`)
  const more = problems.length - shown.length
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ')
}
