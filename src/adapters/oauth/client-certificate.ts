import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import { sizeProblem } from './signing-key.ts'

/** What a client shows in the TLS handshake. @see RFC 8705 §2 */
export interface ClientCertificate {
  /** PEM, the client's own certificate first. */
  readonly chain: string
  /** PEM. */
  readonly key: Sensitive
  /** Tells one certificate from another; not secret. */
  readonly id: string
}

/** What is wrong, as the end of a sentence about one key of the Secret. */
export interface CertificateProblem {
  readonly key: 'tls.crt' | 'tls.key'
  readonly problem: string
}

/** Puts a certificate and its private key together, and looks whether a server could take them now. */
export function readCertificate(
  chain: string,
  key: Sensitive,
  now: EpochSeconds,
): ClientCertificate | CertificateProblem {
  const certificates = chain.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)?.map(parse) ?? []
  const [own] = certificates
  if (own === undefined || certificates.includes(undefined))
    return { key: 'tls.crt', problem: 'is not a PEM list of certificates' }
  for (const certificate of certificates) {
    const problem = certificate && timeProblem(certificate, now)
    if (problem !== undefined) return { key: 'tls.crt', problem }
  }
  const problem = keyProblem(own, key)
  if (problem !== undefined) return { key: 'tls.key', problem }
  return { chain, key, id: createHash('sha256').update(chain).digest('hex') }
}

function timeProblem({ validFromDate, validToDate }: X509Certificate, now: EpochSeconds): string | undefined {
  const nowMs = now * 1000
  if (nowMs > validToDate.getTime()) return `has a certificate that expired at ${validToDate.toISOString()}`
  return nowMs < validFromDate.getTime()
    ? `has a certificate that is not valid before ${validFromDate.toISOString()}`
    : undefined
}

function keyProblem(own: X509Certificate, key: Sensitive): string | undefined {
  try {
    const object = createPrivateKey(key.reveal())
    return sizeProblem(object) ?? (own.checkPrivateKey(object) ? undefined : 'belongs to another certificate')
  } catch {
    return 'is not a private key in PEM'
  }
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
