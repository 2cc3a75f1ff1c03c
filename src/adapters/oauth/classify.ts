/** What error codes of Node, OpenSSL and the HTTP parser say, in words that a person acts on. */
const words: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'its name could not be resolved now',
  ENOTFOUND: 'its name does not exist',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed by the other side',
  EPIPE: 'the connection was closed by the other side',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it did not answer in time',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate was issued by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was issued by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate was issued by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate was issued by an authority that is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  EPROTO: 'it does not speak TLS as expected',
  UNEXPECTED_PROTOCOL: 'it answered that it goes on in another protocol',
  ANSWER_WITHOUT_END: 'it went on sending without coming to an end',
  HPE_HEADER_OVERFLOW: 'its header is too large',
}

/** Alerts by which a server turns away what a client shows in the handshake, or does not show. @see RFC 8446 section 6.2 */
const certificateAlerts: ReadonlySet<string> = new Set([
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
  'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
])

/** True when the server has ended the TLS handshake because of the client's certificate, or because there was none. */
export function refusesCertificate(error: unknown): boolean {
  return certificateAlerts.has(codeOf(error) ?? '')
}

/**
 * Says what went wrong on the way to a token endpoint: our words and the error's code, never its
 * message, which may quote addresses, certificates or bytes of the other side.
 */
export function classifyTransportError(error: unknown): string {
  const code = codeOf(error)
  if (code === undefined) return 'the connection failed'
  const known = words[code] ?? wordsOfTls(code)
  return known === undefined ? `the connection failed (${code})` : `${known} (${code})`
}

function wordsOfTls(code: string): string | undefined {
  if (certificateAlerts.has(code)) return 'it wants another certificate of the client'
  return code.startsWith('ERR_SSL_') ? words['EPROTO'] : undefined
}

/** When all addresses of a host fail, the error is an aggregate: the first one with a code speaks for all. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(error.code)) return error.code
  if (!(error instanceof AggregateError)) return undefined
  return error.errors.map(codeOf).find((code) => code !== undefined)
}

/** What {@link classifyTransportError} calls a timeout; for deadlines of our own. */
export function timedOut(): Error {
  return Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })
}

/** For a server that sends more than any answer has. */
export function tooMuch(): Error {
  return Object.assign(new Error('too much'), { code: 'ANSWER_WITHOUT_END' })
}

/** For a connection that ended before there was an answer, and left no error. */
export function closedEarly(): Error {
  return Object.assign(new Error('closed'), { code: 'ECONNRESET' })
}

/** For `101 Switching Protocols`, which nobody asked for. @see RFC 9110 section 7.8 */
export function otherProtocol(): Error {
  return Object.assign(new Error('other protocol'), { code: 'UNEXPECTED_PROTOCOL' })
}
