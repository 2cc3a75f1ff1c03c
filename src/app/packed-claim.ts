import type { Credential } from '../domain/credential.ts'
import type { ClaimState, DocumentClaim } from '../domain/document-claim.ts'
import { ownerId, ownerName } from '../domain/ownership.ts'

/** Whose process this is, and whose claim may be read. */
export interface Claimant extends Pick<Credential, 'uid' | 'key'> {
  /** Id of the installation. */
  readonly installation: string
}

type Owner = Pick<DocumentClaim, 'owner' | 'ownerName'>

/** What a document said of its owner, as this process keeps it between two reconciles: that it is our own takes no text. */
export class PackedClaim {
  /** Absent when the document is free. */
  readonly #claim: Omit<DocumentClaim, 'owner' | 'ownerName'> | undefined
  /** Absent when it is the claimant. */
  readonly #other: Owner | undefined

  constructor(state: ClaimState, claimant: Claimant) {
    if (state.kind === 'free') return
    const { owner, ownerName: name, ...claim } = state.claim
    const own = ownerOf(claimant)
    this.#claim = claim
    if (owner !== own.owner || name !== own.ownerName) this.#other = { owner, ownerName: name }
  }

  unpacked(claimant: Claimant): ClaimState {
    if (this.#claim === undefined) return { kind: 'free' }
    return { kind: 'claimed', claim: { ...this.#claim, ...(this.#other ?? ownerOf(claimant)) } }
  }
}

function ownerOf({ installation, uid, key }: Claimant): Owner {
  return { owner: ownerId(installation, uid), ownerName: ownerName(installation, key) }
}
