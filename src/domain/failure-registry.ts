import { consumerFailures } from './consumer-failures.ts'
import type { FailureKind } from './failure-kind.ts'
import { revocationFailures } from './revocation-failures.ts'
import { staticTokenFailures } from './static-token-failures.ts'

export type { NextStep } from './failure-kind.ts'

/**
 * The one list of expected failures. docs/errors.md, metrics and condition reasons are tested against it.
 */
export const failureRegistry = {
  // The manifests.
  SPEC_INVALID: {
    next: 'stall',
    reason: 'InvalidSpec',
    remedy: 'Correct the named field and apply the manifest again.',
  },
  PROVIDER_NOT_FOUND: {
    next: 'stall',
    reason: 'ProviderNotFound',
    remedy: 'Create it, or correct spec.providerRef; the credential resumes by itself.',
  },
  PROVIDER_INVALID: {
    next: 'stall',
    reason: 'ProviderInvalid',
    remedy: 'Correct the named field of the provider; its credentials resume by themselves.',
  },
  STORE_NOT_FOUND: {
    next: 'stall',
    reason: 'StoreNotFound',
    remedy: 'Create it, or correct the storeRef that names it; the credential resumes by itself.',
  },
  STORE_INVALID: {
    next: 'stall',
    reason: 'StoreInvalid',
    remedy: 'Correct the named field of the store; its credentials resume by themselves.',
  },
  STORE_ACCESS_NOT_GRANTED: {
    next: 'stall',
    reason: 'StoreAccessNotGranted',
    remedy: 'Ask the owner of the store for an entry in its spec.access that grants this.',
  },
  CLIENT_SECRET_UNAVAILABLE: {
    next: 'stall',
    reason: 'SecretReferenceInvalid',
    remedy: 'Put what is missing or wrong into that key of the Secret; it is looked at again every minute.',
  },
  ENDPOINT_NOT_ALLOWED: {
    next: 'stall',
    reason: 'EndpointNotAllowed',
    remedy:
      'Use an https endpoint at a public address, or start the operator with --allow-private-addresses or --allow-plain-http.',
  },

  // The refresh token store.
  STORE_UNAVAILABLE: {
    next: 'retry',
    reason: 'StoreUnavailable',
    remedy: 'It is tried again with backoff; the last access token stays in place.',
  },
  STORE_THROTTLED: {
    next: 'wait',
    reason: 'StoreThrottled',
    remedy: 'It is tried again after the time the store asked for.',
  },
  STORE_FORBIDDEN: {
    next: 'stall',
    reason: 'StoreDenied',
    remedy: 'Grant the operator read and write on this key; it is tried again every minute.',
  },
  STORE_LOGIN_REJECTED: {
    next: 'stall',
    reason: 'StoreLoginRejected',
    remedy: "Correct the store's auth settings or the credentials they name; it is tried again every minute.",
  },
  STORE_CONFLICT: {
    next: 'retry',
    reason: 'StoreConflict',
    remedy: 'Somebody else wrote the document; it is read again and nothing is overwritten.',
  },
  STORE_WRITE_UNKNOWN: {
    next: 'uncertain',
    reason: 'StoreUnavailable',
    remedy: 'The document is read back before anything is written again.',
  },
  STORE_UNFIT: {
    next: 'stall',
    reason: 'StoreUnfit',
    remedy: 'Change the named setting of the secret: a refresh token there would be lost by itself.',
  },
  STORE_ROLLED_BACK: {
    next: 'stall',
    reason: 'StoreRolledBack',
    remedy:
      'The store holds a refresh token that was used before and is not presented again, and its successor is not at hand. Put a later version of the document back, or log in again and put the new refresh token there.',
  },
  STORE_WRITE_BUDGET_EXCEEDED: {
    next: 'stall',
    reason: 'StoreWriteBudgetExceeded',
    remedy: 'Raise minimumWriteInterval of the store, or let the access tokens live longer.',
  },
  REFRESH_TOKEN_OWNED: {
    next: 'stall',
    reason: 'RefreshTokenOwned',
    remedy:
      'One refresh token has one owner. Log in once more and give this credential a document of its own, or delete the other one; in one cluster nothing less helps. Where the server never replaces a refresh token, rotation.mode Never of the provider says so, and any number may use it. If the other one names another document by now, or is of another cluster and was stopped there, set the annotation oauth-operator.dev/take-ownership-requested-at here.',
  },
  TOKEN_ORIGIN_CHANGED: {
    next: 'stall',
    reason: 'TokenOriginChanged',
    remedy:
      'A refresh token is sent only where it was sent before. Put a refresh token of the new server into the store, or set the annotation oauth-operator.dev/allow-token-origin to the new origin.',
  },
  REFRESH_TOKEN_MISSING: {
    next: 'stall',
    reason: 'SeedMissing',
    remedy: 'Log in once and put the document there; it is looked for every few seconds, in AWS every minute.',
  },
  REFRESH_TOKEN_MALFORMED: {
    next: 'stall',
    reason: 'SeedInvalid',
    remedy: 'Put a document of a known shape there, or say with spec.refreshToken.property where the token is.',
  },
  ...staticTokenFailures,

  // The token endpoint.
  TOKEN_ENDPOINT_UNREACHABLE: {
    next: 'retry',
    reason: 'ProviderUnavailable',
    remedy: 'Nothing was sent, the refresh token is unused; it is tried again with backoff.',
  },
  TOKEN_ENDPOINT_UNAVAILABLE: {
    next: 'uncertain',
    reason: 'ProviderUnavailable',
    remedy: 'The refresh token may have been used; it is presented again only with care.',
  },
  TOKEN_ENDPOINT_THROTTLED: {
    next: 'wait',
    reason: 'ProviderThrottled',
    remedy: 'It is tried again after the time the server asked for.',
  },
  TOKEN_ENDPOINT_PAUSED: {
    next: 'wait',
    reason: 'TokenHostPaused',
    remedy:
      'Nothing was sent; it is refreshed in its turn when the pause is over, those first whose access tokens end first.',
  },
  TOKEN_ENDPOINT_CIRCUIT_OPEN: {
    next: 'wait',
    reason: 'TokenHostUnavailable',
    remedy:
      'Nothing was sent. One credential at a time tries whether it is back; then all are refreshed, those first whose access tokens end first.',
  },
  TOKEN_ENDPOINT_REDIRECTED: {
    next: 'stall',
    reason: 'ProviderMisconfigured',
    remedy:
      "Put the final address into the provider's spec.tokenEndpoint: a refresh token is never sent on to another address.",
  },
  TOKEN_ENDPOINT_NOT_FOUND: {
    next: 'stall',
    reason: 'ProviderMisconfigured',
    remedy: "Correct the provider's spec.tokenEndpoint.",
  },
  TOKEN_ENDPOINT_DENIED: {
    next: 'stall',
    reason: 'ProviderAccessDenied',
    remedy:
      'The server, or a firewall in front of it, does not let this client in. Check the allowed addresses, the policies and the plan of the account, and the client secret; the refresh token is unused.',
  },
  TOKEN_RESULT_UNKNOWN: {
    next: 'uncertain',
    reason: 'ResultUnknown',
    remedy: 'The refresh token may have been used; it is presented once more, with care.',
  },
  TOKEN_ANSWER_NOT_OAUTH: {
    next: 'uncertain',
    reason: 'AnswerNotUnderstood',
    remedy:
      'Check that spec.tokenEndpoint of the provider is the token endpoint and not a page or a proxy in front of it.',
  },
  TOKEN_ANSWER_INCOMPLETE: {
    next: 'stall',
    reason: 'AnswerIncomplete',
    remedy: 'The refresh token of the answer was kept. Check the provider and the scopes.',
  },
  REFRESH_TOKEN_REJECTED: {
    next: 'stall',
    reason: 'ReauthorizationRequired',
    remedy: 'Log in again and put the new refresh token into the store; the credential resumes by itself.',
  },
  INTERACTION_REQUIRED: {
    next: 'stall',
    reason: 'ReauthorizationRequired',
    remedy:
      'The server wants a human: a second factor, a consent or a new password. Log in again, give what it asks for, and put the new refresh token into the store.',
  },
  REFRESH_ANSWER_LOST: {
    next: 'stall',
    reason: 'LostResponse',
    remedy:
      'The answer to an earlier refresh was lost and with it the new refresh token. Log in again and put the new refresh token into the store.',
  },
  REFRESH_TOKEN_REUSED: {
    next: 'stall',
    reason: 'SecondSpender',
    remedy:
      'Somebody else has used this refresh token: find who shares it, for it may be stolen. Then log in again and put the new refresh token into the store.',
  },
  CLIENT_REJECTED: {
    next: 'stall',
    reason: 'ClientRejected',
    remedy: "Correct the provider's client id, authentication method or client secret; the refresh token is unused.",
  },
  SCOPE_REJECTED: {
    next: 'stall',
    reason: 'ScopeRejected',
    remedy: 'Ask only for scopes that were granted at login, or leave spec.scopes out.',
  },
  REQUEST_REJECTED: {
    next: 'stall',
    reason: 'RequestRejected',
    remedy: "Correct the provider's spec.request, or spec.scopes of the credential.",
  },

  // The target and the cluster.
  TARGET_NOT_OWNED: {
    next: 'stall',
    reason: 'TargetNotOwned',
    remedy: 'Choose another spec.target.name, or set the annotation oauth-operator.dev/adopt: "true" on it.',
  },
  TARGET_REJECTED: {
    next: 'stall',
    reason: 'TargetRejected',
    remedy: 'Remove the reason that is named; it is tried again every minute.',
  },
  OUTPUT_NOT_REPRESENTABLE: {
    next: 'stall',
    reason: 'OutputNotRepresentable',
    remedy: 'Choose another output format: this one cannot carry the token unharmed.',
  },
  ...revocationFailures,
  TARGET_UNAVAILABLE: {
    next: 'retry',
    reason: 'TargetUnavailable',
    remedy: 'The token is kept and written again with backoff.',
  },
  KUBERNETES_UNAVAILABLE: {
    next: 'retry',
    reason: 'KubernetesUnavailable',
    remedy: 'It is tried again with backoff.',
  },
  KUBERNETES_FORBIDDEN: {
    next: 'stall',
    reason: 'KubernetesForbidden',
    remedy: "Grant the operator's ServiceAccount the named permission; it is tried again every minute.",
  },
  REFRESH_RECORD_UNAVAILABLE: {
    next: 'retry',
    reason: 'RefreshRecordUnavailable',
    remedy: 'No refresh token is sent while its successor could not be kept; it is tried again with backoff.',
  },
  REFRESH_RECORD_DAMAGED: {
    next: 'stall',
    reason: 'RefreshRecordDamaged',
    remedy:
      'Nothing is sent while it is not known which refresh tokens were used; docs/errors.md says what else helps.',
  },
  REFRESH_RECORD_CONFLICT: {
    next: 'retry',
    reason: 'RefreshUnderWay',
    remedy: 'Another process was first; what it did is read before anything is sent.',
  },
  REFRESH_HOLDER_SILENT: {
    next: 'stall',
    reason: 'RefreshHolderSilent',
    remedy:
      'Nothing is sent as long as it may hold the new refresh token. Let it start again with its journal, or delete its Pod once it is certain that it has ended; docs/errors.md says what to do when there is no Pod.',
  },
  REFRESH_UNDER_WAY: {
    next: 'wait',
    reason: 'RefreshUnderWay',
    remedy:
      'It is looked at again soon; nothing is sent while another process may hold the answer. If that process does not come back, delete its Pod; docs/errors.md says what else helps.',
  },
  JOURNAL_UNAVAILABLE: {
    next: 'retry',
    reason: 'JournalUnavailable',
    remedy: 'No refresh token is sent while its successor could not be kept; free space or mend the journal directory.',
  },
  INTERNAL_ERROR: {
    next: 'retry',
    reason: 'InternalError',
    remedy:
      "Nothing was sent; it is tried again with backoff, and other credentials go on. Please report the operator's log line of it, which says where: it holds no tokens.",
  },
  // Those who read the target.
  ...consumerFailures,
} as const satisfies Record<string, FailureKind>
