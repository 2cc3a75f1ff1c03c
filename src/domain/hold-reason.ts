import { failureRegistry } from './failure-registry.ts'

/** True for the condition reason of a credential that waits for its token host, although no attempt of its own failed. */
export function isHoldReason(reason: string): boolean {
  const { TOKEN_ENDPOINT_CIRCUIT_OPEN: open, TOKEN_ENDPOINT_PAUSED: paused } = failureRegistry
  return reason === open.reason || reason === paused.reason
}

/** True for a failure that says so. */
export function isHold({ reason }: { readonly reason: string }): boolean {
  return isHoldReason(reason)
}
