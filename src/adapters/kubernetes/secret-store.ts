import { claimMember, type DocumentClaim } from '../../domain/document-claim.ts'
import { type Failure, failure } from '../../domain/failures.ts'
import { fieldManager, targetLabels } from '../../domain/names.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import { putClaim } from '../../domain/token-document-claim.ts'
import { readStoredToken } from '../../domain/token-document-stored.ts'
import { replaceTokens } from '../../domain/token-document.ts'
import { storeText } from '../../domain/token-store.ts'
import type { RotatedTokens, StoredRefreshToken } from '../../domain/tokens.ts'
import type { RefreshTokenLocation, RefreshTokenStore, StoreDocument } from '../../ports/refresh-token-store.ts'
import { classifyKubeError, problemOf, storeCodes } from './classify.ts'
import type { KubeClient, KubeError, KubeRequest } from './kube-client.ts'
import { isObjectName, secretPath, secretText } from './object-paths.ts'
import { Secret } from './schema.ts'
import { changedData, documentOf, sameData, valuesOf } from './secret-document.ts'
import { decodeSecretValue } from './secret-text.ts'

/**
 * Refresh tokens in Secrets of the credentials' own namespaces. The document is a JSON object of the
 * Secret's keys and what they say as text.
 *
 * The version is the Secret's resource version: it differs whenever the data does, and is what the API
 * server compares. A change of labels alone also makes a new version, which costs one read. A write is
 * a merge patch of the changed keys at that version.
 *
 * A Secret that could not take a successor is refused when it is read, before its token is spent: one
 * that is immutable or on its way out, and one that the operator itself writes as a target. So is one
 * that is not of type Opaque: tokens of ServiceAccounts, keys of certificates and passwords of
 * registries are no refresh tokens, whoever names them.
 *
 * A proof of writability is a dry run of a patch that changes nothing, at the resource version: the API
 * server checks rights, version and admission. Whether a policy would refuse a change it does not tell.
 * A claim is one more key, `_oauthop`, whose value is JSON text.
 *
 * Needs `get` and `patch` on the named Secrets.
 */
export class KubernetesSecretStore implements RefreshTokenStore {
  readonly #client: KubeClient

  constructor(client: KubeClient) {
    this.#client = client
  }

  async readDocument(location: RefreshTokenLocation): Promise<Result<StoreDocument>> {
    const secret = await this.#secret(location)
    if (!secret.ok) return secret
    const unfit = unreadable(secret.value, placeText(location))
    if (unfit !== undefined) return failed(unfit)
    const { data, metadata } = secret.value
    return ok({ text: documentOf(data), version: metadata.resourceVersion })
  }

  async read(location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    const secret = await this.#secret(location)
    if (!secret.ok) return secret
    const unfit = unfitness(secret.value, placeText(location))
    return unfit === undefined ? stored(secret.value, location) : failed(unfit)
  }

  async #secret(location: RefreshTokenLocation): Promise<Result<Secret>> {
    const { namespace, key } = location
    const text = placeText(location)
    if (!isObjectName(key)) return missing(`${text} cannot exist, because the name is not valid.`)
    const outcome = await this.#client.request({ method: 'GET', path: secretPath(namespace, key) })
    if (!outcome.ok) {
      if (problemOf(outcome.error) === 'missing') return missing(`${text} does not exist.`)
      return failed(storeFailure(outcome.error, location, 'get'))
    }
    const secret = Secret.safeParse(outcome.body)
    if (!secret.success) return failed(failure('STORE_UNAVAILABLE', `Reading ${text} brought no Secret.`))
    return ok(secret.data)
  }

  async writeBack(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    tokens: RotatedTokens,
  ): Promise<Result<StoredRefreshToken>> {
    return this.#write(location, base, replaceTokens(base.document, location.property, tokens))
  }

  async proveWritable(location: RefreshTokenLocation, base: StoredRefreshToken): Promise<Result<void>> {
    const data = dataOf(changedData(new Sensitive('{}'), base.document))
    const patch = patchRequest(location, base, data)
    const outcome = await this.#client.request({ ...patch, query: { ...patch.query, dryRun: 'All' } })
    if (outcome.ok) return ok(undefined)
    const problem = problemOf(outcome.error)
    if (problem === 'conflict' || problem === 'missing') return failed(changed(location))
    return failed(storeFailure(outcome.error, location, 'patch', base.document))
  }

  async claim(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    claim: DocumentClaim,
  ): Promise<Result<StoredRefreshToken>> {
    return this.#write(location, base, putClaim(base.document, location.property, claim, 'text'))
  }

  async #write(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    document: Sensitive,
  ): Promise<Result<StoredRefreshToken>> {
    const values = changedData(base.document, document)
    if (values.size === 0) return ok(base)
    const outcome = await this.#client.request(patchRequest(location, base, dataOf(values)))
    if (outcome.ok) return writtenSecret(outcome.body, location)
    const { error } = outcome
    const problem = problemOf(error)
    if (problem === 'conflict') return this.#unlessWritten(location, document)
    if (problem === 'missing') return failed(failure('STORE_CONFLICT', `${placeText(location)} is no longer there.`))
    return failed(
      error.ambiguous ? writeUnknown(location) : storeFailure(error, location, 'patch', base.document, document),
    )
  }

  /** The same document over the same base, a second time: its first write is what this one conflicts with. */
  async #unlessWritten(location: RefreshTokenLocation, document: Sensitive): Promise<Result<StoredRefreshToken>> {
    const current = await this.read(location)
    if (current.ok && sameData(current.value.document, document)) return current
    return failed(changed(location))
  }
}

function patchRequest(
  { namespace, key }: RefreshTokenLocation,
  base: StoredRefreshToken,
  data: Readonly<Record<string, string>>,
): KubeRequest {
  return {
    method: 'PATCH',
    path: secretPath(namespace, key),
    query: { fieldManager },
    contentType: 'application/merge-patch+json',
    body: { metadata: { resourceVersion: base.version }, data },
  }
}

function dataOf(values: ReadonlyMap<string, Sensitive>): Readonly<Record<string, string>> {
  return Object.fromEntries([...values].map(([key, encoded]) => [key, encoded.reveal()]))
}

function stored(secret: Secret, location: RefreshTokenLocation): Result<StoredRefreshToken> {
  const encoded = secret.data.get(claimMember)
  if (encoded !== undefined && decodeSecretValue(encoded) === undefined) {
    const what = `${placeText(location)} has a member "${claimMember}" that is not text.`
    return failed(failure('REFRESH_TOKEN_MALFORMED', what))
  }
  const document = documentOf(secret.data)
  const found = readStoredToken(document, secret.metadata.resourceVersion, location.property)
  if (!found.ok) {
    const code = found.problem === 'missing' ? 'REFRESH_TOKEN_MISSING' : 'REFRESH_TOKEN_MALFORMED'
    return failed(failure(code, `${placeText(location)} ${found.detail}.`))
  }
  return ok(found.stored)
}

/** The answer to a write is the Secret as it now is. */
function writtenSecret(body: unknown, location: RefreshTokenLocation): Result<StoredRefreshToken> {
  const secret = Secret.safeParse(body)
  const written = secret.success ? stored(secret.data, location) : undefined
  return written?.ok === true ? written : failed(writeUnknown(location))
}

function unfitness(secret: Secret, text: string): Failure | undefined {
  const unfit = unreadable(secret, text)
  if (unfit !== undefined || !secret.immutable) return unfit
  return failure('STORE_FORBIDDEN', `${text} is immutable, so a rotated refresh token could not be written back.`)
}

/** Why a Secret is none that a token is taken from. */
function unreadable({ metadata, type }: Secret, text: string): Failure | undefined {
  if (metadata.labels[targetLabels.managedBy] === fieldManager) {
    const what = `The key of the credential names ${text}, which the operator itself writes: a target is no store.`
    return failure('SPEC_INVALID', what)
  }
  if (metadata.deletionTimestamp !== undefined) {
    return failure('REFRESH_TOKEN_MISSING', `${text} is being deleted.`)
  }
  if (type !== 'Opaque') {
    return failure('STORE_FORBIDDEN', `${text} is of type ${type}; a token is only read from one of type Opaque.`)
  }
  return undefined
}

function storeFailure(
  error: KubeError,
  location: RefreshTokenLocation,
  verb: 'get' | 'patch',
  ...documents: readonly Sensitive[]
): Failure {
  return classifyKubeError(error, {
    what: `${verb === 'get' ? 'Reading' : 'Writing'} ${placeText(location)}`,
    permission: `${verb} secrets in the namespace ${location.namespace}`,
    codes: storeCodes,
    confidential: documents.flatMap(valuesOf),
  })
}

function writeUnknown(location: RefreshTokenLocation): Failure {
  return failure('STORE_WRITE_UNKNOWN', `It is not known whether ${placeText(location)} was written.`)
}

function changed(location: RefreshTokenLocation): Failure {
  return failure('STORE_CONFLICT', `${placeText(location)} was changed since it was read.`)
}

function missing(what: string): Result<never> {
  return failed(failure('REFRESH_TOKEN_MISSING', what))
}

function placeText({ namespace, key, store }: RefreshTokenLocation): string {
  return `${secretText(namespace, key)} of ${storeText(store)}`
}
