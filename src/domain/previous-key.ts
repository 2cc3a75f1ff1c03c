/** Where a target keeps the access token that was in it before the one that is in it now. */
export interface PreviousKey {
  readonly key: string
  /** Key of the bare access token, whose content becomes the previous one. */
  readonly from: string
  /** False when the key has to stay empty. */
  readonly isKept: boolean
}

/** Under which keys a target has tokens in their bare form. */
export interface TokenKeys {
  readonly from: string
  /** Of the previous access token. */
  readonly key?: string
}
