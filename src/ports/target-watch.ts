/** What can be told of a target without its data. */
export interface TargetSight {
  readonly namespace: string
  readonly name: string
  /** Of the credential whose target it says it is. */
  readonly credentialUid: string | undefined
  /** Data keys that hold what was published. */
  readonly keys: readonly string[]
  readonly hasOwnerReference: boolean
}

/** Receives what is seen of targets. */
export interface TargetHandler {
  /** All targets of a namespace, or of all: what is not among them is gone. */
  replaced(namespace: string | undefined, sights: readonly TargetSight[]): void
  /** One target is new or changed, by whomever. */
  upserted(sight: TargetSight): void
  /** A target is gone, or does not say any more that it is one. */
  deleted(namespace: string, name: string): void
}

/**
 * Watches targets, so that what somebody does to one is known at once.
 *
 * Guarantees: level-based. After any interruption the handler is told the whole state again. No token is received, and
 * nothing is kept of a target. Targets under `Merge`, which are somebody else's Secrets, are not seen.
 */
export interface TargetWatch {
  /** Starts feeding `handler`; recovers from every expected failure by itself. Returns what stops it. */
  start(handler: TargetHandler): () => Promise<void>
}
