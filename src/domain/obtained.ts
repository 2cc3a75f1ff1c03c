import type { CredentialState } from './credential-state.ts'
import type { Observed } from './observed.ts'
import { withoutFailure } from './settle.ts'

/** The state once a token has come that is not in the target yet. */
export function obtained(observed: Observed, before: CredentialState): CredentialState {
  const state = withAnsweredRequest(observed, withoutFailure(before))
  return { ...state, observedGeneration: observed.credential.generation, refreshes: state.refreshes + 1 }
}

/** A human who asked for a refresh was answered, one way or the other. */
export function withAnsweredRequest({ credential }: Observed, state: CredentialState): CredentialState {
  const { refreshRequest } = credential
  return refreshRequest === undefined ? state : { ...state, handledRefreshRequest: refreshRequest }
}
