import type { Sensitive } from './sensitive.ts'

/**
 * The member of a token document that holds its claims: `{"key": "<base64>", "owners": {"<JSON pointer of
 * the token, or empty>": {"id": "<owner>", "name": "<owner's name>"}}}`. Nothing else is looked for in it.
 */
export const claimMember = '_oauthop'

/** Who refreshes the refresh token of a document. It stands in the document itself, so that other clusters see it. */
export interface DocumentClaim {
  /** `<installation>/<credential uid>`: the same for one credential only. */
  readonly owner: string
  /** For people: which credential, and of which installation. */
  readonly ownerName: string
  /** 32 random bytes, base64. Whoever may read the document may open the record of its tokens, and nobody else. */
  readonly sealingKey: Sensitive
}

export type ClaimState = { readonly kind: 'free' } | { readonly kind: 'claimed'; readonly claim: DocumentClaim }
