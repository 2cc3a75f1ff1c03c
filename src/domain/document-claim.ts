import type { Sensitive } from './sensitive.ts'

/**
 * The member of a token document that holds its claims: `{"key": "<base64>", "owners": {"<JSON pointer of
 * the token>": {"id": "<owner>", "name": "<owner's name>",
 * "generation": <number>, "token": "<fingerprint>"}}}`, the last two once the operator has written the token. Nothing else is looked for in it.
 */
export const claimMember = '_oauthop'

/** Which refresh token the operator wrote into a document, so that an older document is told from one that a human wrote. */
export interface TokenMark {
  /** Counts the refresh tokens that came one after the other. */
  readonly generation: number
  readonly fingerprint: string
}

/** Who refreshes the refresh token of a document. It stands in the document itself, so that other clusters see it. */
export interface DocumentClaim {
  /** Absent as long as the operator has not written the token. */
  readonly mark?: TokenMark
  /** `<installation>/<credential uid>`: the same for one credential only. */
  readonly owner: string
  /** For people: which credential, and of which installation. */
  readonly ownerName: string
  /** 32 random bytes, base64. Whoever may read the document may open the record of its tokens, and nobody else. */
  readonly sealingKey: Sensitive
}

export type ClaimState = { readonly kind: 'free' } | { readonly kind: 'claimed'; readonly claim: DocumentClaim }
