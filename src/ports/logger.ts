/** Structured log. `fields` hold names, codes and counts, never a token or a body. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/**
 * Every field that a line may have: who searches logs by a name finds all of them under that one. docs/logs.md is held
 * to this list, and the compiler holds each call to it.
 */
export interface LogFields {
  readonly apiServer?: string
  readonly at?: string
  readonly cause?: string
  readonly code?: string | undefined
  readonly collector?: string
  readonly credential?: string
  readonly dropped?: number
  readonly error?: string
  readonly event?: string
  readonly expiresAt?: string
  readonly failures?: number
  readonly fingerprint?: string
  readonly generation?: number
  readonly holder?: string
  readonly identity?: string
  readonly kind?: string
  readonly lease?: string
  readonly logger?: string
  readonly manifests?: string
  readonly namespace?: string
  readonly outcome?: string
  readonly output?: string
  readonly path?: string
  readonly previousOwner?: string
  readonly provider?: string
  readonly reason?: string
  readonly recorded?: boolean
  readonly recovered?: boolean
  readonly refreshes?: number
  readonly replica?: string
  readonly request?: string
  readonly resource?: string
  readonly rotated?: boolean
  readonly sends?: number
  readonly signal?: string
  readonly store?: string
  readonly storeKey?: string
  readonly storeVersion?: string
  readonly successor?: string
  readonly target?: string
  readonly tokenGeneration?: number
  readonly tokenHost?: string
  readonly uid?: string
  readonly version?: string
  readonly why?: string
  readonly workload?: string
}
