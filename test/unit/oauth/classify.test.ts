import { describe, expect, test } from 'vitest'
import { classifyTransportError } from '../../../src/adapters/oauth/classify.ts'

function coded(code: unknown): Error {
  return Object.assign(new Error('unprintable words of the platform'), { code })
}

describe('classifyTransportError', () => {
  const table: Readonly<Record<string, { error: unknown; says: string }>> = {
    'a refused connection': { error: coded('ECONNREFUSED'), says: 'the connection was refused (ECONNREFUSED)' },
    'a name that does not exist': { error: coded('ENOTFOUND'), says: 'its name does not exist (ENOTFOUND)' },
    'a resolver in trouble': { error: coded('EAI_AGAIN'), says: 'its name could not be resolved now (EAI_AGAIN)' },
    'a timeout': { error: coded('ETIMEDOUT'), says: 'it did not answer in time (ETIMEDOUT)' },
    'a reset': { error: coded('ECONNRESET'), says: 'the connection was closed by the other side (ECONNRESET)' },
    'no route': { error: coded('EHOSTUNREACH'), says: 'there is no route to it (EHOSTUNREACH)' },
    'an expired certificate': {
      error: coded('CERT_HAS_EXPIRED'),
      says: 'its certificate has expired (CERT_HAS_EXPIRED)',
    },
    'a self-signed certificate': {
      error: coded('DEPTH_ZERO_SELF_SIGNED_CERT'),
      says: 'its certificate is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT)',
    },
    'a certificate for another host': {
      error: coded('ERR_TLS_CERT_ALTNAME_INVALID'),
      says: 'its certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)',
    },
    'a TLS alert': {
      error: coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'),
      says: 'it does not speak TLS as expected (ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION)',
    },
    'all addresses failing in the same way': {
      error: new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]),
      says: 'the connection was refused (ECONNREFUSED)',
    },
    'an aggregate with a code of its own': {
      error: Object.assign(new AggregateError([coded('ENETUNREACH')]), { code: 'ETIMEDOUT' }),
      says: 'it did not answer in time (ETIMEDOUT)',
    },
    'a code that nobody knows': { error: coded('EWHATEVER'), says: 'the connection failed (EWHATEVER)' },
    'a code that is a number': { error: coded(7), says: 'the connection failed' },
    'a code that is prose': { error: coded('see https://x/?token=1'), says: 'the connection failed' },
    'an error without a code': { error: new Error('unprintable'), says: 'the connection failed' },
    'something that is no error': { error: 'unprintable', says: 'the connection failed' },
  }
  test.each(Object.entries(table))('%s', (_name, { error, says }) => {
    expect(classifyTransportError(error)).toBe(says)
  })
})
