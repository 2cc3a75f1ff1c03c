import { type Credential, keyText } from './credential.ts'
import { type Failure, type FailureCode, failure, retold } from './failures.ts'
import { type Provider, providerText } from './provider.ts'

/** What helps where no refresh token is at stake: the registry's remedies speak of one. */
const remedies: Readonly<Partial<Record<FailureCode, string>>> = {
  TOKEN_ENDPOINT_UNREACHABLE: 'It is tried again with backoff.',
  TOKEN_ENDPOINT_UNAVAILABLE: 'It is tried again with backoff.',
  TOKEN_RESULT_UNKNOWN: 'It is asked again with backoff: an access token that nobody received does no harm.',
  TOKEN_ENDPOINT_REDIRECTED:
    "Put the final address into the provider's spec.tokenEndpoint: a client never proves itself at another address.",
  TOKEN_ENDPOINT_DENIED:
    'The server, or a firewall in front of it, does not let this client in. Check the allowed addresses, the policies and the plan of the account, and the client secret.',
  TOKEN_ANSWER_INCOMPLETE: 'Check the provider and the scopes.',
  CLIENT_REJECTED:
    "Correct the provider's client id, authentication method or client secret, and let the client use the grant client_credentials at the authorization server.",
  SCOPE_REJECTED: 'Ask only for scopes that the client may have, or leave spec.scopes out.',
}

/** Codes that speak of a refresh token. A server that says so of a client alone refuses the client. */
const aboutRefreshTokens: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'REFRESH_TOKEN_REJECTED',
  'REFRESH_TOKEN_REUSED',
  'INTERACTION_REQUIRED',
])

/** A failure of the token endpoint, as it is to be told of a client that asked for itself. @see RFC 6749 §4.4 */
export function asClientFailure(cause: Failure): Failure {
  const code = aboutRefreshTokens.has(cause.code) ? 'CLIENT_REJECTED' : cause.code
  const remedy = remedies[code]
  return code === cause.code && remedy === undefined ? cause : retold(cause, code, remedy)
}

/** Why a client gets no tokens of its own. @see RFC 6749 §4.4: confidential clients only */
export function clientProblem({ key }: Pick<Credential, 'key'>, provider: Provider): Failure | undefined {
  if (provider.client.authentication !== 'none') return undefined
  const what = `${providerText(provider)} is of no use to OAuthCredential ${keyText(key)}: the grant ClientCredentials needs a client that proves itself, and its spec.client.authentication is none.`
  return failure('PROVIDER_INVALID', what)
}
