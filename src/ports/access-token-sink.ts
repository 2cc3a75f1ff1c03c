import type { CreationPolicy, CredentialKey, DeletionPolicy } from '../domain/credential.ts'
import type { SecretType } from '../domain/secret-type.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { Result } from '../domain/result.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import type { PreviousKey, TokenKeys } from '../domain/previous-key.ts'
import type { FoundTokens } from '../domain/previous-token.ts'
import type { Publishing, TargetRemoval, TargetState } from '../domain/target-state.ts'

export type { Published, Publishing, TargetRemoval, TargetState } from '../domain/target-state.ts'

/** Which target, whose, and under which policy. */
export interface TargetIdentity {
  readonly credential: CredentialKey
  readonly credentialUid: string
  /** In the credential's namespace. */
  readonly name: string
  readonly creationPolicy: CreationPolicy
  readonly deletionPolicy: DeletionPolicy
  /** Of the Secret; absent: Opaque. A target that is no object has none. */
  readonly type?: SecretType
}

/** What to publish. */
export interface Publication {
  readonly identity: TargetIdentity
  /** Data key to content. Never empty. Other keys of the target are left alone under `Merge`, removed otherwise if they were ours. */
  readonly files: ReadonlyMap<string, Sensitive>
  /** Labels and annotations for who selects or reads targets; a target that is no object has none. Never under `Merge`. */
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Tells whose the access token is, and stands on the target; absent: nobody can tell afterwards. Not secret. */
  readonly mark?: string
  /** Under which key the access token before this one is to be. It is the target's to know, or nobody's. */
  readonly previous?: PreviousKey
  /** Identifies name, outputs, policy and these; not secret. */
  readonly digest: string
  /** Start of the request that issued the access token: of two publications, the one whose token was issued later is newer. */
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/**
 * Where workloads read their access token: a Kubernetes Secret, or a directory with the layout of a
 * mounted Secret volume.
 *
 * Guarantees: all files of a publication change at once; nothing that is not ours is overwritten or
 * removed; publishing the same thing twice is the same as once; a target never goes back: publishing
 * over a publication of the same credential whose token was issued later changes nothing.
 *
 * Failures: TARGET_NOT_OWNED, TARGET_REJECTED, TARGET_UNAVAILABLE, KUBERNETES_FORBIDDEN.
 */
export interface AccessTokenSink {
  observe(identity: TargetIdentity, keys: readonly string[]): Promise<Result<TargetState>>
  /**
   * Succeeds without a change when the target holds a token that was issued later: readers have the
   * newer one, which is all that publishing is for, and there is nothing to try again or to tell. It
   * happens to a replica that was stopped between receiving its token and publishing it. What the later
   * publication may lack is found by the next {@link observe}.
   *
   * An issue time more than a minute ahead of the clock counts for nothing, so clocks of replicas have
   * to agree within that minute. Where a target does not say when its token was issued, it is replaced.
   *
   * With `previous`, its key holds the bare access token that was in the target before this one, if that bears the same
   * mark, was as it was published, and has not expired; else it is empty. Publishing the same token again leaves there
   * what is there.
   */
  publish(publication: Publication): Promise<Result<Publishing>>
  /**
   * Empties the key of the previous access token, and changes nothing else. Succeeds when there is nothing of ours to
   * empty; what somebody else changed meanwhile is found by the next {@link observe}.
   */
  endPrevious(identity: TargetIdentity, key: string): Promise<Result<void>>
  /**
   * Says whether the publication would be taken, as far as that can be told without making it.
   *
   * Failures: those of publishing.
   */
  rehearse(publication: Publication): Promise<Result<void>>
  /**
   * The access tokens that we published here, as far as they are still as they were published: the bare one under
   * `keys.from`, and the previous one under `keys.key`. Empty when there is nothing of ours.
   */
  held(identity: TargetIdentity, keys: TokenKeys): Promise<Result<FoundTokens>>
  /**
   * Removes what we published under this identity, also of a name that the credential's target had before;
   * succeeds when there is nothing, and when the policy lets it stay, and says which it was. Where somebody else
   * removes it at the same time, it says what it found.
   */
  remove(identity: TargetIdentity): Promise<Result<TargetRemoval>>
  /** True when deletion of the credential needs {@link remove}, because nothing else cleans up. */
  needsCleanup(identity: TargetIdentity): boolean
}
