import { X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import { type Failure, failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { SecretReader } from '../../ports/secret-reader.ts'
import type { ClientCertificate } from './client-certificate.ts'

/** What a connection trusts, and what it shows of itself. */
export interface Trust {
  readonly context: SecureContext
  /** Tells one trust from another; not secret. */
  readonly id: string
  /** True when a certificate of the client is in it. */
  readonly showsCertificate: boolean
}

const maxContexts = 64

/**
 * Trust anchors of providers: the system's, and those of the provider's CA bundle on top.
 *
 * A context with all the system's anchors takes milliseconds to build, so it is kept for as long as
 * the bundle's text and the client's certificate are the same.
 */
export class TrustStore {
  readonly #secrets: SecretReader
  readonly #contexts = new Map<string, Trust>()
  #built = 0

  constructor(secrets: SecretReader) {
    this.#secrets = secrets
  }

  /** Failures: PROVIDER_INVALID when the bundle is no PEM, CLIENT_SECRET_UNAVAILABLE when OpenSSL refuses the certificate, and those of {@link SecretReader}. */
  async trustOf(provider: Provider, certificate?: ClientCertificate): Promise<Result<Trust>> {
    const bundle = await this.#bundleOf(provider)
    if (!bundle.ok) return bundle
    const known = this.#contexts.get(contextKey(bundle.value, certificate))
    if (known !== undefined) return ok(known)
    if (bundle.value !== '' && !isBundle(bundle.value)) return failed(notTrusted(provider))
    const trust = this.#add(bundle.value, certificate)
    return trust === undefined ? this.#unusable(provider, certificate) : ok(trust)
  }

  async #bundleOf({ tls, namespace }: Provider): Promise<Result<string>> {
    if (tls.caBundle !== undefined) return ok(tls.caBundle)
    if (tls.caBundleSecretRef === undefined) return ok('')
    const read = await this.#secrets.read(namespace, tls.caBundleSecretRef)
    return read.ok ? ok(read.value.reveal()) : read
  }

  /** What OpenSSL says of it may quote it. */
  #unusable(provider: Provider, certificate: ClientCertificate | undefined): Result<never> {
    if (certificate === undefined) return failed(notTrusted(provider))
    const { certificateSecretName: name = '' } = provider.client
    this.#secrets.forget(provider.namespace, name)
    const secret = provider.namespace === undefined ? name : `${provider.namespace}/${name}`
    const what = `The certificates in Secret ${secret}, by which the client of ${providerText(provider)} proves itself, cannot be shown: a key or a signature is too weak, or of a kind that TLS does not know.`
    return failed(failure('CLIENT_SECRET_UNAVAILABLE', what))
  }

  /** Undefined when OpenSSL takes one of the two for unfit. */
  #add(bundle: string, certificate: ClientCertificate | undefined): Trust | undefined {
    const ca = bundle === '' ? undefined : [...getCACertificates('default'), bundle]
    const own = certificate && { cert: certificate.chain, key: certificate.key.reveal() }
    const context = contextOf({ ...(ca && { ca }), ...own, minVersion: 'TLSv1.2' })
    if (context === undefined) return undefined
    const trust = { context, id: `${++this.#built}`, showsCertificate: certificate !== undefined }
    const [oldest] = this.#contexts.keys()
    if (this.#contexts.size >= maxContexts && oldest !== undefined) this.#contexts.delete(oldest)
    this.#contexts.set(contextKey(bundle, certificate), trust)
    return trust
  }
}

function contextOf(options: SecureContextOptions): SecureContext | undefined {
  try {
    return createSecureContext(options)
  } catch {
    return undefined
  }
}

function notTrusted(provider: Provider): Failure {
  return failure('PROVIDER_INVALID', `The CA bundle of ${providerText(provider)} is not a PEM list of certificates.`)
}

function contextKey(bundle: string, certificate: ClientCertificate | undefined): string {
  return `${certificate?.id ?? ''} ${bundle}`
}

/** OpenSSL passes over what it cannot read, and the operator would then call the server's certificate untrusted. */
function isBundle(pem: string): boolean {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return certificates.length > 0 && certificates.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
