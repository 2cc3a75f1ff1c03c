import { type Failure, type FailureCode, failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { sameSecret, type Sensitive } from '../../domain/sensitive.ts'
import { findRefreshToken, replaceTokens } from '../../domain/token-document.ts'
import { storeText } from '../../domain/token-store.ts'
import type { RotatedTokens } from '../../domain/tokens.ts'
import type { RefreshTokenLocation, RefreshTokenStore, StoredRefreshToken } from '../../ports/refresh-token-store.ts'
import { AwsClients, type ClientDeps } from './aws-clients.ts'
import { type AwsProblem, failureOf } from './classify.ts'
import { type SecretVersion, SecretVersions } from './secret-versions.ts'
import { continues, longestLine, successorOf } from './successor.ts'

/**
 * Refresh tokens in AWS Secrets Manager. The document is the secret's string, the version its version
 * id.
 *
 * Secrets Manager has no conditional write, so a write is two calls that together are one: the new
 * version is put under the id that only one successor of the old version can have, and then the label
 * `AWSCURRENT` is moved from the old version, which fails if it is not there. From the first call on
 * the token is durable: a read follows the line of successors from the current version to its end,
 * which also passes over a crash between the calls, a label that was put back, and answers that lag.
 * That look for a successor costs each read a second call; reading the label alone could, after a
 * crash in another replica, bring a token that is already spent.
 *
 * Needs `secretsmanager:GetSecretValue`, `PutSecretValue`, `UpdateSecretVersionStage`, and the KMS key.
 * Failures beyond the port's: STORE_INVALID when no region is named.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
export class AwsSecretsManagerStore implements RefreshTokenStore {
  readonly #deps: ClientDeps
  readonly #clients: AwsClients

  constructor(deps: ClientDeps) {
    this.#deps = deps
    this.#clients = new AwsClients(deps)
  }

  async read(location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    const versions = await this.#versions(location)
    return versions.ok ? this.#read(versions.value, location) : versions
  }

  async writeBack(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    tokens: RotatedTokens,
  ): Promise<Result<StoredRefreshToken>> {
    const document = replaceTokens(base.document, location.property, tokens)
    if (document.reveal() === base.document.reveal()) return ok(base)
    const versions = await this.#versions(location)
    if (!versions.ok) return versions
    const stored = await this.#put(versions.value, location, { base, document })
    return stored.ok ? this.#makeCurrent(versions.value, location, { base, stored: stored.value }) : stored
  }

  /** Lets requests in flight end. */
  close(): void {
    this.#clients.close()
  }

  async #versions(location: RefreshTokenLocation): Promise<Result<SecretVersions>> {
    const client = await this.#clients.client(location.store)
    return client.ok ? ok(new SecretVersions(client.value, location.key, this.#deps)) : client
  }

  async #read(versions: SecretVersions, location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    const current = await versions.current()
    if (!current.ok) return failed(this.#failure('read', current.problem, location))
    let newest = current.value
    for (let steps = 0; steps < longestLine; steps += 1) {
      const next = await versions.version(successorOf(newest.id))
      if (next.ok) newest = next.value
      else if (next.problem.kind === 'missing') return storedIn(newest, location)
      else return failed(this.#failure('read', next.problem, location))
    }
    return storedIn(newest, location)
  }

  async #put(
    versions: SecretVersions,
    location: RefreshTokenLocation,
    { base, document }: { base: StoredRefreshToken; document: Sensitive },
  ): Promise<Result<StoredRefreshToken>> {
    const id = successorOf(base.version)
    const put = await versions.put(id, document)
    if (put.ok) return storedIn({ id, text: document }, location)
    if (put.problem.kind !== 'already-exists') return failed(this.#writeFailure(put.problem, location))
    const rival = await versions.version(id)
    if (!rival.ok) return failed(writeUnknown(location))
    const [ours, theirs] = [storedIn({ id, text: document }, location), storedIn(rival.value, location)]
    const same = ours.ok && theirs.ok && sameSecret(ours.value.refreshToken, theirs.value.refreshToken)
    return same ? theirs : failed(conflict(location))
  }

  async #makeCurrent(
    versions: SecretVersions,
    location: RefreshTokenLocation,
    { base, stored }: { base: StoredRefreshToken; stored: StoredRefreshToken },
  ): Promise<Result<StoredRefreshToken>> {
    const moved = await versions.makeCurrent(stored.version, base.version)
    if (moved.ok) return ok(stored)
    if (moved.problem.kind !== 'not-accepted') return failed(this.#writeFailure(moved.problem, location))
    const current = await versions.current()
    if (!current.ok) return failed(writeUnknown(location))
    if (current.value.id === stored.version) return ok(stored)
    // The label never followed an earlier version of ours, or was put back: what it is on is passed by.
    if (!continues(current.value.id, base.version)) return failed(conflict(location))
    const again = await versions.makeCurrent(stored.version, current.value.id)
    return again.ok ? ok(stored) : failed(writeUnknown(location))
  }

  #writeFailure(problem: AwsProblem, location: RefreshTokenLocation): Failure {
    if (problem.ambiguous) return writeUnknown(location)
    const gone = problem.kind === 'missing' || problem.kind === 'scheduled-for-deletion'
    return gone ? conflict(location) : this.#failure('write', problem, location)
  }

  #failure(doing: 'read' | 'write', problem: AwsProblem, { key, store }: RefreshTokenLocation): Failure {
    if (problem.code === 'STORE_LOGIN_REJECTED') this.#clients.forgetCredentials(store)
    return failureOf(problem, `${doing} the document "${key}" of ${storeText(store)}`)
  }
}

function storedIn({ id, text }: SecretVersion, location: RefreshTokenLocation): Result<StoredRefreshToken> {
  if (text === undefined) return documentFailure('REFRESH_TOKEN_MALFORMED', 'is binary', location)
  const found = findRefreshToken(text, location.property)
  if (found.ok) return ok({ refreshToken: found.refreshToken, version: id, document: text })
  const code = found.problem === 'missing' ? 'REFRESH_TOKEN_MISSING' : 'REFRESH_TOKEN_MALFORMED'
  return documentFailure(code, found.detail, location)
}

function documentFailure(code: FailureCode, detail: string, { key, store }: RefreshTokenLocation): Result<never> {
  return failed(failure(code, `The document "${key}" of ${storeText(store)} ${detail}.`))
}

function conflict({ key, store }: RefreshTokenLocation): Failure {
  const what = `The document "${key}" of ${storeText(store)} is not the one that was read any more.`
  return failure('STORE_CONFLICT', what)
}

function writeUnknown({ key, store }: RefreshTokenLocation): Failure {
  const what = `Whether the document "${key}" of ${storeText(store)} was written is not known: no usable answer came.`
  return failure('STORE_WRITE_UNKNOWN', what)
}
