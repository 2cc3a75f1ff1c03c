import type { EpochSeconds } from './time.ts'

/** What is found where the target should be. */
export type TargetState =
  | { readonly kind: 'absent' }
  /** Written by us for this credential. */
  | {
      readonly kind: 'ours'
      /** As published; absent when somebody removed the annotation. */
      readonly digest?: string
      /** Start of the request that issued the token; absent where it is not known. */
      readonly issuedAt?: EpochSeconds
      /** Absent where it is not known. */
      readonly expiresAt?: EpochSeconds
      /** Until when it holds the access token before this one too; absent: it holds none. */
      readonly previousExpiresAt?: EpochSeconds
      /** False when a key that we published is gone or was changed. */
      readonly intact: boolean
      /** There when something is gone of what says whose it is. Readers find their token all the same. */
      readonly marked?: false
    }
  /** Exists, is not ours, and may not be touched. `owner` says whose it seems to be; `byCredential`: another credential's. */
  | { readonly kind: 'foreign'; readonly owner: string; readonly byCredential?: true }
  /** Exists, is not ours, and may be written: the policy is `Merge`, or it carries the adopt annotation. */
  | { readonly kind: 'adoptable' }

/** What a publication did to the target. */
export type TargetChange =
  /** It was written. */
  | 'changed'
  /** It held all of this already. */
  | 'unchanged'
  /** It holds a token that was issued later, and was left alone. */
  | 'overtaken'

export interface Publishing {
  readonly change: TargetChange
  /** Absent when there is nothing. */
  readonly beside?: Published
}

/** What was found of a publication that was to be removed. */
export type TargetRemoval =
  /** Some, and none is left. */
  | 'removed'
  /** Not even the target. */
  | 'absent'
  /** The target is there, and holds nothing of it, or what is to stay. It was left alone. */
  | 'kept'

/** What a publication has put into the target beside the token. */
export interface Published {
  /** Until when the access token before it is there as well. */
  readonly previousExpiresAt: EpochSeconds
}
