import {
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
  TlsClientAuth,
} from 'oauth4webapi'
import { failure } from '../../domain/failures.ts'
import {
  type ClientAssertion,
  type OAuthClient,
  type Provider,
  providerText,
  type SecretKeyRef,
} from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type { SecretReader } from '../../ports/secret-reader.ts'
import { type ClientCertificate, readCertificate } from './client-certificate.ts'
import { readSigningKey } from './signing-key.ts'

/** How a client shows a server who it is, with everything at hand that it takes. */
export interface ClientProof {
  /** What it is made from. */
  readonly secrets: readonly Sensitive[]
  /** Adds to the parameters or the header of a request what the method wants. */
  readonly authenticate: ClientAuth
  /** Shown in the TLS handshake; for `tls_client_auth` alone. */
  readonly certificate?: ClientCertificate
}

/**
 * Reads what a client proves itself with, and looks whether it can be used, before anything is sent: a key
 * or a secret that is missing or broken costs no refresh token. There is one at a time: when a server refuses
 * it, no other one is tried with the same refresh token, for nobody can tell whether a refusal used that up.
 *
 * Failures: CLIENT_SECRET_UNAVAILABLE, which names the Secret and its key, and those of {@link SecretReader}.
 */
export async function clientProofOf(
  provider: Provider,
  secrets: SecretReader,
  now: EpochSeconds,
): Promise<Result<ClientProof>> {
  const { authentication, assertion, certificateSecretName: name } = provider.client
  switch (authentication) {
    case 'none':
      return ok({ secrets: [], authenticate: None() })
    case 'client_secret_basic':
    case 'client_secret_post':
      return bySecret(provider, secrets)
    case 'private_key_jwt':
      return assertion === undefined ? nothingNamed(provider, 'private key') : byAssertion(provider, assertion, secrets)
    case 'tls_client_auth':
      return name === undefined
        ? nothingNamed(provider, 'certificate')
        : byCertificate(provider, name, { secrets, now })
  }
}

/** The Secrets that a client proves itself with. */
export function proofSecrets({ secretRef, assertion, certificateSecretName }: OAuthClient): readonly string[] {
  return [secretRef?.name, assertion?.keyRef.name, certificateSecretName].filter((name) => name !== undefined)
}

async function bySecret(provider: Provider, secrets: SecretReader): Promise<Result<ClientProof>> {
  const { authentication, secretRef } = provider.client
  if (secretRef === undefined) return nothingNamed(provider, 'client secret')
  const read = await secrets.read(provider.namespace, secretRef)
  if (!read.ok) return read
  const secret = read.value.reveal()
  const basic = authentication === 'client_secret_basic'
  return ok({ secrets: [read.value], authenticate: basic ? ClientSecretBasic(secret) : ClientSecretPost(secret) })
}

async function byAssertion(
  provider: Provider,
  assertion: ClientAssertion,
  secrets: SecretReader,
): Promise<Result<ClientProof>> {
  const { keyRef, algorithm } = assertion
  const read = await secrets.read(provider.namespace, keyRef, 'sign')
  if (!read.ok) return read
  const signing = readSigningKey(read.value, algorithm)
  if (typeof signing === 'string') return unusable(provider, keyRef, signing, secrets)
  const { key, keyId } = signing
  const kid = assertion.keyId ?? keyId
  const authenticate = PrivateKeyJwt(kid === undefined ? key : { key, kid }, {
    [modifyAssertion]: (header, payload) => {
      // The library has the names of RFC 9864, which most servers do not know yet.
      header['alg'] = algorithm
      // It may be left out (RFC 7523 §3), and a server whose clock is a second behind would refuse it.
      delete payload['nbf']
    },
  })
  return ok({ secrets: [read.value], authenticate })
}

async function byCertificate(
  provider: Provider,
  name: string,
  { secrets, now }: { readonly secrets: SecretReader; readonly now: EpochSeconds },
): Promise<Result<ClientProof>> {
  const { namespace } = provider
  const [chain, key] = await Promise.all([
    secrets.read(namespace, { name, key: 'tls.crt' }, 'sign'),
    secrets.read(namespace, { name, key: 'tls.key' }, 'sign'),
  ])
  if (!chain.ok) return chain
  if (!key.ok) return key
  const certificate = readCertificate(chain.value.reveal(), key.value, now)
  if ('problem' in certificate) return unusable(provider, { name, key: certificate.key }, certificate.problem, secrets)
  return ok({ secrets: [chain.value, key.value], authenticate: TlsClientAuth(), certificate })
}

/** Whoever has just put something else there need not wait until this is forgotten. */
function unusable(
  provider: Provider,
  { name, key }: SecretKeyRef,
  problem: string,
  secrets: SecretReader,
): Result<never> {
  secrets.forget(provider.namespace, name)
  const secret = provider.namespace === undefined ? name : `${provider.namespace}/${name}`
  const what = `The key ${key} of Secret ${secret}, by which the client of ${providerText(provider)} proves itself, ${problem}.`
  return failed(failure('CLIENT_SECRET_UNAVAILABLE', what))
}

function nothingNamed(provider: Provider, wanted: string): Result<never> {
  const { authentication } = provider.client
  const what = `${providerText(provider)} authenticates its client by ${authentication} and names no Secret with the ${wanted}.`
  return failed(failure('CLIENT_SECRET_UNAVAILABLE', what))
}
