import { type Failure, type FailureCode, failure } from '../../domain/failures.ts'

/** What an error of the SDK means to a caller. Nothing of the error itself leaves this file: messages quote requests. */
export interface AwsProblem {
  readonly kind: 'missing' | 'scheduled-for-deletion' | 'already-exists' | 'not-accepted' | 'other'
  readonly code: FailureCode
  /** Words for a message, without a full stop. */
  readonly text: string
  /** True when the request may have been carried out. */
  readonly ambiguous: boolean
  /** True when the signature was too old, and the SDK has set its clock by the answer. */
  readonly clockCorrected: boolean
  readonly retryAfterSeconds?: number
}

type Known = Pick<AwsProblem, 'code' | 'text'> & Partial<AwsProblem>

const login: Known = { code: 'STORE_LOGIN_REJECTED', text: 'AWS does not accept the credentials' }
const noLogin: Known = { code: 'STORE_LOGIN_REJECTED', text: 'the AWS SDK finds no credentials that work' }
const forbidden: Known = { code: 'STORE_FORBIDDEN', text: 'the policies of the identity do not allow it' }
const key: Known = { code: 'STORE_FORBIDDEN', text: 'the KMS key of the secret cannot be used' }
const throttled: Known = { code: 'STORE_THROTTLED', text: 'there are more requests than AWS takes' }
const serverError: Known = {
  code: 'STORE_UNAVAILABLE',
  text: 'Secrets Manager had an error of its own',
  ambiguous: true,
}

/** Versions that are a day old are pruned; about 100 are kept, so one becomes free every 14.4 minutes. */
const versionQuotaSeconds = 900

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html and the errors of each action */
const byName: Readonly<Record<string, Known>> = {
  ResourceNotFoundException: { kind: 'missing', code: 'REFRESH_TOKEN_MISSING', text: 'it does not exist' },
  ResourceExistsException: { kind: 'already-exists', code: 'STORE_CONFLICT', text: 'another successor exists' },
  InvalidParameterException: {
    kind: 'not-accepted',
    code: 'STORE_UNAVAILABLE',
    text: 'AWS does not accept a parameter',
  },
  InvalidRequestException: {
    kind: 'not-accepted',
    code: 'STORE_UNAVAILABLE',
    text: 'the state of the secret forbids it',
  },
  ValidationException: { kind: 'not-accepted', code: 'STORE_UNAVAILABLE', text: 'AWS does not accept a parameter' },
  AccessDeniedException: forbidden,
  NotAuthorized: forbidden,
  OptInRequired: forbidden,
  DecryptionFailure: key,
  EncryptionFailure: key,
  ThrottlingException: throttled,
  Throttling: throttled,
  TooManyRequestsException: throttled,
  RequestLimitExceeded: throttled,
  LimitExceededException: {
    code: 'STORE_THROTTLED',
    text: 'the secret has as many versions as AWS keeps, and none is a day old',
    retryAfterSeconds: versionQuotaSeconds,
  },
  // AWS STS says AccessDenied where Secrets Manager says AccessDeniedException.
  AccessDenied: noLogin,
  CredentialsProviderError: noLogin,
  TokenProviderError: noLogin,
  InvalidIdentityToken: noLogin,
  IDPRejectedClaim: noLogin,
  ExpiredTokenException: login,
  ExpiredToken: login,
  RequestExpired: login,
  UnrecognizedClientException: login,
  InvalidClientTokenId: login,
  InvalidSignatureException: login,
  SignatureDoesNotMatch: login,
  IncompleteSignature: login,
  IncompleteSignatureException: login,
  MissingAuthenticationToken: login,
  MissingAuthenticationTokenException: login,
  InternalServiceError: serverError,
  InternalServiceErrorException: serverError,
  InternalFailure: serverError,
  ServiceUnavailable: serverError,
  ServiceUnavailableException: serverError,
}

const byCode: Readonly<Record<string, Known>> = {
  PRIVATE_ADDRESS: {
    code: 'ENDPOINT_NOT_ALLOWED',
    text: 'spec.awsSecretsManager.endpoint is a private address, or one of the platform',
  },
  DEADLINE: { code: 'STORE_UNAVAILABLE', text: 'AWS did not answer in time', ambiguous: true },
  ANSWER_TOO_LONG: { code: 'STORE_UNAVAILABLE', text: 'the answer is longer than any of AWS', ambiguous: true },
}

/** Codes of requests that provably never left. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Codes of certificates that were not accepted: the request waits for that. */
const certificateRefused = /^(?:CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/** What an error means. The only place that looks at errors of the SDK. */
export function classifyAwsError(error: unknown): AwsProblem {
  const { name, code, message, status, clockCorrected } = fieldsOf(error)
  if (name === 'InvalidRequestException' && /delet/i.test(message)) {
    const text = 'it is scheduled for deletion'
    return { kind: 'scheduled-for-deletion', code: 'REFRESH_TOKEN_MISSING', text, ambiguous: false, clockCorrected }
  }
  const known = own(byName, name) ?? own(byCode, code) ?? unnamed(code, message, status)
  return { kind: 'other', ambiguous: false, clockCorrected, ...known }
}

/** The failure of a problem; `attempt` is what was tried: `read the document "k" of TokenStore ci/aws`. */
export function failureOf(problem: AwsProblem, attempt: string): Failure {
  return failure(problem.code, `Could not ${attempt}: ${problem.text}.`, problem.retryAfterSeconds)
}

function unnamed(code: string, message: string, status: number | undefined): Known {
  if (message === 'Region is missing') {
    return { code: 'STORE_INVALID', text: 'neither spec.awsSecretsManager.region nor the environment names a region' }
  }
  if (status === 429) return throttled
  if (status !== undefined) {
    return { code: 'STORE_UNAVAILABLE', text: `AWS answered HTTP ${status}`, ambiguous: status >= 500 || status < 400 }
  }
  const ambiguous = !neverSent.has(code) && !certificateRefused.test(code)
  return { code: 'STORE_UNAVAILABLE', text: `the connection to AWS failed (${code})`, ambiguous }
}

interface ErrorFields {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly status: number | undefined
  readonly clockCorrected: boolean
}

function fieldsOf(error: unknown): ErrorFields {
  if (!(error instanceof Error)) {
    return { name: '', code: 'UNKNOWN', message: '', status: undefined, clockCorrected: false }
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const metadata = metadataOf(error)
  const status = metadata['httpStatusCode']
  return {
    name: error.name,
    code: /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'UNKNOWN',
    message: error.message,
    status: typeof status === 'number' ? status : undefined,
    clockCorrected: metadata['clockSkewCorrected'] === true,
  }
}

function metadataOf(error: Error): Readonly<Record<string, unknown>> {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined
  return typeof metadata === 'object' && metadata !== null ? { ...metadata } : {}
}

function own(table: Readonly<Record<string, Known>>, name: string): Known | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}
