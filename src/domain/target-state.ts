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

/** What a publication has put into the target beside the token. */
export interface Published {
  /** Until when the access token before it is there as well. */
  readonly previousExpiresAt: EpochSeconds
}
