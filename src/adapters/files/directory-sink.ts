import { access, constants } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CredentialKey } from '../../domain/credential.ts'
import { failure } from '../../domain/failures.ts'
import type { TokenKeys } from '../../domain/previous-key.ts'
import type { FoundTokens } from '../../domain/previous-token.ts'
import { present } from '../../domain/present.ts'
import { isIssuedLater } from '../../domain/publication-order.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { targetConflict } from '../../domain/target-conflict.ts'
import type {
  AccessTokenSink,
  Publication,
  Publishing,
  TargetIdentity,
  TargetRemoval,
  TargetState,
} from '../../ports/access-token-sink.ts'
import type { Clock } from '../../ports/clock.ts'
import { classifyFileError } from './file-error.ts'
import { type FileSteps, fileSteps } from './file-steps.ts'
import { besideIn, filesWithoutPrevious, tokensIn, withPrevious } from './target-previous.ts'
import { lookAtDirectory, type TargetDirectory } from './target-directory.ts'
import { RetiredFiles } from './retired-files.ts'
import { removeTarget, type WriterTools, writeTarget } from './target-writer.ts'

export interface DirectorySinkOptions {
  /** Targets are written to `<directory>/<namespace>/<target name>/`. */
  readonly directory: string
  readonly clock: Pick<Clock, 'now'>
  readonly steps?: FileSteps
  /** Milliseconds for which replaced files stay, for readers that are on their way to them; default 1000. */
  readonly graceMs?: number
}

/**
 * Targets as directories with the layout of a mounted Secret volume: `KEY -> ..data/KEY`, `..data -> ..TIME`.
 *
 * All files of a publication change at once, by renaming one link. The files before them stay for a
 * moment, so that a reader that has just followed the link finds what it was led to. Files have mode 0600 and a new modification time each; directories that this makes have mode 0700. A process
 * that dies at any instant leaves the old files or the new ones.
 *
 * A directory that holds anything and is not ours is never touched, nor is a file in one that is:
 * whatever the creation policy says, a target belongs to one credential. What a later publication is
 * compared with is looked at right before the writing begins: the file system has no write on condition,
 * and the journal lets only one process at a state directory.
 */
export class DirectorySink implements AccessTokenSink {
  readonly #directory: string
  readonly #clock: Pick<Clock, 'now'>
  readonly #steps: FileSteps
  readonly #tools: WriterTools

  constructor({ directory, clock, steps = fileSteps, graceMs = 1000 }: DirectorySinkOptions) {
    this.#directory = directory
    this.#clock = clock
    this.#steps = steps
    this.#tools = { steps, retired: new RetiredFiles(steps, graceMs) }
  }

  async observe(identity: TargetIdentity, keys: readonly string[]): Promise<Result<TargetState>> {
    return this.#guard(identity, 'Looking at', async () => {
      const found = await lookAtDirectory(this.#path(identity))
      return ok(stateOf(found, identity, keys))
    })
  }

  async publish(publication: Publication): Promise<Result<Publishing>> {
    const { identity } = publication
    return this.#guard<Publishing>(identity, 'Writing', async () => {
      const path = this.#path(identity)
      const found = await lookAtDirectory(path)
      const owner = foreignOwner(found, identity)
      if (owner !== undefined) return failed(notOwned(path, owner))
      if (found.kind === 'ours' && isIssuedLater(found.owner.issuedAt, publication.issuedAt, this.#clock.now())) {
        return ok(present({ change: 'overtaken' as const, beside: besideIn(found.owner) }))
      }
      const { files, previousExpiresAt } = await withPrevious(path, publication, found, this.#clock.now())
      const inTheWay = found.kind === 'ours' ? [...files.keys()].find((key) => found.strangers.has(key)) : undefined
      if (inTheWay !== undefined) {
        const what = `The file ${join(path, inTheWay)} is in the way: the operator did not write it.`
        return failed(failure('TARGET_NOT_OWNED', what))
      }
      await this.#makeDirectories(identity.credential, path)
      const written = { ...publication, files, ...present({ previousExpiresAt }) }
      await writeTarget(path, written, found, this.#tools)
      return ok(present({ change: 'changed' as const, beside: previousExpiresAt && { previousExpiresAt } }))
    })
  }

  /** Writes everything once more, so that the key is emptied at once and for every reader. */
  async endPrevious(identity: TargetIdentity, key: string): Promise<Result<void>> {
    return this.#guard(identity, 'Writing', async () => {
      const path = this.#path(identity)
      const found = await lookAtDirectory(path)
      if (found.kind !== 'ours' || foreignOwner(found, identity) !== undefined) return ok(undefined)
      const files = await filesWithoutPrevious(path, found, key)
      if (files === undefined) return ok(undefined)
      const { previousExpiresAt: _over, ...owner } = found.owner
      await writeTarget(path, { ...present(owner), identity, files }, found, this.#tools)
      return ok(undefined)
    })
  }

  /** Whether the directory is free or ours, and may be written; a disk that is full shows only when it is. */
  async rehearse({ identity }: Publication): Promise<Result<void>> {
    return this.#guard(identity, 'Looking at', async () => {
      const path = this.#path(identity)
      const owner = foreignOwner(await lookAtDirectory(path), identity)
      if (owner !== undefined) return failed(notOwned(path, owner))
      await assertWritable(path)
      return ok(undefined)
    })
  }

  held(identity: TargetIdentity, keys: TokenKeys): Promise<Result<FoundTokens>> {
    return this.#guard(identity, 'Reading', async () => {
      const path = this.#path(identity)
      return ok(await tokensIn(path, await lookAtDirectory(path), keys, identity))
    })
  }

  async remove(identity: TargetIdentity): Promise<Result<TargetRemoval>> {
    if (!this.needsCleanup(identity)) return ok('kept')
    return this.#guard(identity, 'Removing', async () => {
      const path = this.#path(identity)
      const found = await lookAtDirectory(path)
      const removable = found.kind === 'ours' || found.kind === 'unfinished'
      if (!removable) return ok(found.kind === 'free' ? 'absent' : 'kept')
      if (foreignOwner(found, identity) !== undefined) return ok('kept')
      await removeTarget(path, found, this.#tools)
      return ok('removed')
    })
  }

  needsCleanup({ deletionPolicy, creationPolicy }: TargetIdentity): boolean {
    return deletionPolicy === 'Delete' && creationPolicy !== 'Orphan'
  }

  #path({ credential, name }: TargetIdentity): string {
    return join(this.#directory, credential.namespace, name)
  }

  async #makeDirectories({ namespace }: CredentialKey, path: string): Promise<void> {
    for (const directory of [this.#directory, join(this.#directory, namespace), path]) {
      await this.#steps.makeDirectory(directory, 0o700)
    }
  }

  async #guard<T>(identity: TargetIdentity, doing: string, act: () => Promise<Result<T>>): Promise<Result<T>> {
    try {
      return await act()
    } catch (error) {
      const { problem, cause } = classifyFileError(error)
      const code = problem === 'denied' || problem === 'unsuitable' ? 'TARGET_REJECTED' : 'TARGET_UNAVAILABLE'
      return failed(failure(code, `${doing} the target directory ${this.#path(identity)} failed: ${cause}.`))
    }
  }
}

/** @throws the platform's error when the path, or the nearest directory above it, must not be written. */
async function assertWritable(path: string): Promise<void> {
  try {
    await access(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!missing || dirname(path) === path) throw error
    await assertWritable(dirname(path))
  }
}

function stateOf(found: TargetDirectory, identity: TargetIdentity, keys: readonly string[]): TargetState {
  const owner = foreignOwner(found, identity)
  if (owner !== undefined) return { kind: 'foreign', ...owner }
  if (found.kind !== 'ours') return { kind: 'absent' }
  const { digest, issuedAt, expiresAt, previousExpiresAt } = found.owner
  const intact = keys.every((key) => found.intactKeys.has(key))
  return present({ kind: 'ours' as const, digest, issuedAt, expiresAt, previousExpiresAt, intact })
}

type ForeignOwner = Omit<Extract<TargetState, { kind: 'foreign' }>, 'kind'>

/** Whose the directory is when it is not ours and not free. */
function foreignOwner(found: TargetDirectory, { credentialUid }: TargetIdentity): ForeignOwner | undefined {
  if (found.kind === 'foreign') return { owner: 'somebody else: it holds files that the operator did not write' }
  const owner = found.kind === 'free' ? undefined : found.owner
  if (owner === undefined || owner.credentialUid === credentialUid) return undefined
  return { owner: `OAuthCredential ${owner.credential}`, byCredential: true }
}

function notOwned(path: string, foreign: ForeignOwner): ReturnType<typeof failure> {
  return targetConflict(`The target directory ${path} belongs to ${foreign.owner}.`, foreign)
}
