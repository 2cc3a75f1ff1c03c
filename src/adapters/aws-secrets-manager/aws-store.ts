import type { DocumentClaim } from '../../domain/document-claim.ts'
import { type Failure, type FailureCode, failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { sameSecret, type Sensitive } from '../../domain/sensitive.ts'
import { putClaim } from '../../domain/token-document-claim.ts'
import { readStoredToken } from '../../domain/token-document-stored.ts'
import { replaceTokens } from '../../domain/token-document.ts'
import { storeText } from '../../domain/token-store.ts'
import type { RotatedTokens } from '../../domain/tokens.ts'
import type {
  RefreshTokenLocation,
  RefreshTokenStore,
  StoreDocument,
  StoredRefreshToken,
} from '../../ports/refresh-token-store.ts'
import { AwsClients, type ClientDeps } from './aws-clients.ts'
import { type AwsProblem, failureOf } from './classify.ts'
import { isNewest } from './secret-standing.ts'
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
 * A proof of writability puts the version that is there once more: under its own id and with its own
 * text, which AWS takes and ignores. So it shows that the identity may put, not that it may encrypt.
 * Beside it the secret is described, which also tells of a rotation function, a deletion to come and
 * a replica; without the right to do so the secret is read again instead, and nothing is told.
 *
 * Needs `secretsmanager:GetSecretValue`, `PutSecretValue`, `UpdateSecretVersionStage`, and the KMS key;
 * better also `DescribeSecret`.
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

  async readDocument(location: RefreshTokenLocation): Promise<Result<StoreDocument>> {
    const versions = await this.#versions(location)
    if (!versions.ok) return versions
    const newest = await this.#newest(versions.value, location)
    if (!newest.ok) return newest
    const { id: version, text } = newest.value
    return text === undefined ? failed(about('REFRESH_TOKEN_MALFORMED', 'is binary', location)) : ok({ text, version })
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
    // A successor that has the same new refresh token is the one that was to be written, whatever else it says.
    const isOurs: IsOurs = ({ refreshToken }) =>
      tokens.refreshToken !== undefined && sameSecret(refreshToken, tokens.refreshToken)
    return this.#write(location, base, { document, isOurs })
  }

  async proveWritable(location: RefreshTokenLocation, base: StoredRefreshToken): Promise<Result<void>> {
    const versions = await this.#versions(location)
    if (!versions.ok) return versions
    const [problemOfBase, put] = await Promise.all([
      this.#problemOfBase(versions.value, location, base),
      versions.value.put(base.version, base.document),
    ])
    const problemOfPut = put.ok ? undefined : this.#proofFailure(put.problem, location)
    const unfit = [problemOfBase, problemOfPut].find((problem) => problem?.code === 'STORE_UNFIT')
    const problem = unfit ?? problemOfBase ?? problemOfPut
    return problem === undefined ? ok(undefined) : failed(problem)
  }

  async claim(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    claim: DocumentClaim,
  ): Promise<Result<StoredRefreshToken>> {
    const document = putClaim(base.document, location.property, claim, 'object')
    return this.#write(location, base, { document, isOurs: () => false })
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
    const newest = await this.#newest(versions, location)
    return newest.ok ? storedIn(newest.value, location) : newest
  }

  async #newest(versions: SecretVersions, location: RefreshTokenLocation): Promise<Result<SecretVersion>> {
    const current = await versions.current()
    if (!current.ok) return failed(this.#failure('read', current.problem, location))
    let newest = current.value
    for (let steps = 0; steps < longestLine; steps += 1) {
      const next = await versions.version(successorOf(newest.id))
      if (next.ok) newest = next.value
      else if (next.problem.kind === 'missing') return ok(newest)
      else return failed(this.#failure('read', next.problem, location))
    }
    return ok(newest)
  }

  async #write(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    next: NextDocument,
  ): Promise<Result<StoredRefreshToken>> {
    if (next.document.reveal() === base.document.reveal()) return ok(base)
    const versions = await this.#versions(location)
    if (!versions.ok) return versions
    const stored = await this.#put(versions.value, location, { base, next })
    return stored.ok ? this.#makeCurrent(versions.value, location, { base, stored: stored.value }) : stored
  }

  async #put(
    versions: SecretVersions,
    location: RefreshTokenLocation,
    { base, next }: { base: StoredRefreshToken; next: NextDocument },
  ): Promise<Result<StoredRefreshToken>> {
    const id = successorOf(base.version)
    const put = await versions.put(id, next.document)
    if (put.ok) return storedIn({ id, text: next.document }, location)
    if (put.problem.kind !== 'already-exists') return failed(this.#writeFailure(put.problem, location))
    const rival = await versions.version(id)
    if (!rival.ok) return failed(writeUnknown(location))
    const theirs = storedIn(rival.value, location)
    const same = theirs.ok && (sameSecret(theirs.value.document, next.document) || next.isOurs(theirs.value))
    return same ? theirs : failed(conflict(location))
  }

  /** Why a write over this version would not be carried out, or its document be lost; undefined when nothing speaks against it. */
  async #problemOfBase(
    versions: SecretVersions,
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
  ): Promise<Failure | undefined> {
    const standing = await versions.standing()
    if (standing.ok) {
      const { unfitness } = standing.value
      if (unfitness !== undefined) return about('STORE_UNFIT', unfitness, location)
      return isNewest(base.version, standing.value) ? undefined : conflict(location)
    }
    if (standing.problem.code !== 'STORE_FORBIDDEN') return this.#proofFailure(standing.problem, location)
    const current = await this.#read(versions, location)
    if (!current.ok) return isAboutDocument(current.failure) ? conflict(location) : current.failure
    return current.value.version === base.version ? undefined : conflict(location)
  }

  #proofFailure(problem: AwsProblem, location: RefreshTokenLocation): Failure {
    if (problem.kind === 'missing' || problem.kind === 'already-exists') return conflict(location)
    if (problem.kind === 'scheduled-for-deletion') return about('STORE_UNFIT', 'is scheduled for deletion', location)
    return this.#failure('prove that it may write', problem, location)
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

  #failure(
    doing: 'read' | 'write' | 'prove that it may write',
    problem: AwsProblem,
    { key, store }: RefreshTokenLocation,
  ): Failure {
    if (problem.code === 'STORE_LOGIN_REJECTED') this.#clients.forgetCredentials(store)
    return failureOf(problem, `${doing} the document "${key}" of ${storeText(store)}`)
  }
}

/** Whether what stands under the successor's id is what was to be written, if it is not the same text. */
type IsOurs = (stored: StoredRefreshToken) => boolean

interface NextDocument {
  readonly document: Sensitive
  readonly isOurs: IsOurs
}

function storedIn({ id, text }: SecretVersion, location: RefreshTokenLocation): Result<StoredRefreshToken> {
  if (text === undefined) return failed(about('REFRESH_TOKEN_MALFORMED', 'is binary', location))
  const found = readStoredToken(text, id, location.property)
  if (found.ok) return ok(found.stored)
  const code = found.problem === 'missing' ? 'REFRESH_TOKEN_MISSING' : 'REFRESH_TOKEN_MALFORMED'
  return failed(about(code, found.detail, location))
}

function isAboutDocument({ code }: Failure): boolean {
  return code === 'REFRESH_TOKEN_MISSING' || code === 'REFRESH_TOKEN_MALFORMED'
}

function about(code: FailureCode, detail: string, { key, store }: RefreshTokenLocation): Failure {
  return failure(code, `The document "${key}" of ${storeText(store)} ${detail}.`)
}

function conflict(location: RefreshTokenLocation): Failure {
  return about('STORE_CONFLICT', 'is not the one that was read any more', location)
}

function writeUnknown({ key, store }: RefreshTokenLocation): Failure {
  const what = `Whether the document "${key}" of ${storeText(store)} was written is not known: no usable answer came.`
  return failure('STORE_WRITE_UNKNOWN', what)
}
