import { keyText } from '../domain/credential.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'

// Why a process that was about to send a refresh token has not.

export function notLeading({ credential }: Observed): Failure {
  const what = `This process stopped acting before it sent the refresh token of OAuthCredential ${keyText(credential.key)}.`
  return failure('KUBERNETES_UNAVAILABLE', what)
}

export function tooLate({ credential }: Observed): Failure {
  const what = `Too much time passed before the refresh token of OAuthCredential ${keyText(credential.key)} could be sent.`
  return failure('REFRESH_RECORD_UNAVAILABLE', what)
}
