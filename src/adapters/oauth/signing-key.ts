import { createPrivateKey, type KeyObject, type webcrypto } from 'node:crypto'
import * as z from 'zod'
import type { ClientAssertion } from '../../domain/provider.ts'
import type { Sensitive } from '../../domain/sensitive.ts'

/** A private key that is ready to sign with. */
export interface SigningKey {
  readonly key: webcrypto.CryptoKey
  /** `kid` of the JWK that it was read from. */
  readonly keyId?: string
}

type Algorithm = ClientAssertion['algorithm']

interface Imported {
  readonly name: string
  readonly hash?: string
  readonly namedCurve?: string
}

/** RFC 7518 §3.1 and RFC 8037 §3.1, in the words of Web Cryptography. */
const imports: Readonly<Record<Algorithm, Imported>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
  RS512: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  PS384: { name: 'RSA-PSS', hash: 'SHA-384' },
  PS512: { name: 'RSA-PSS', hash: 'SHA-512' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
  EdDSA: { name: 'Ed25519' },
}

/** RFC 7518 §3.3 and §3.5. */
const fewestRsaBits = 2048
/**
 * The work grows with the third power: 16384 bits take seconds, and 65536 hours, of a thread that everybody's
 * names are resolved on, or, in a handshake, of the one that everything else runs on.
 */
const mostRsaBits = 4096

const Jwk = z.looseObject({ kid: z.string().min(1).optional(), alg: z.string().optional() })

/** Reads a private key, PEM or JWK, for one algorithm. What is wrong with it comes as the end of a sentence about it. */
export function readSigningKey(text: Sensitive, algorithm: Algorithm): SigningKey | string {
  const written = text.reveal().trim()
  return written.startsWith('{') ? readJwk(written, algorithm) : readPem(written, algorithm)
}

function readPem(pem: string, algorithm: Algorithm): SigningKey | string {
  if (pem.includes('ENCRYPTED')) return 'is protected by a passphrase, for which there is no place'
  if (pem.includes('PUBLIC KEY') || pem.includes('CERTIFICATE')) return 'is not the private key'
  const object = attempt(() => createPrivateKey(pem))
  return object === undefined ? 'is neither a private key in PEM (PKCS #8) nor a JWK' : fitFor(algorithm, object)
}

function readJwk(text: string, algorithm: Algorithm): SigningKey | string {
  const jwk = Jwk.safeParse(attempt((): unknown => JSON.parse(text)))
  if (!jwk.success) return 'is not a JWK'
  const { kid, alg } = jwk.data
  if (Array.isArray(jwk.data['keys'])) return 'is a set of JWKs, of which only one may stand there'
  if (jwk.data['d'] === undefined) return 'is not the private key'
  if (alg !== undefined && alg !== algorithm) return `says that it is not for ${algorithm}`
  const object = attempt(() => createPrivateKey({ key: jwk.data, format: 'jwk' }))
  if (object === undefined) return 'is not a private JWK'
  const key = fitFor(algorithm, object)
  return typeof key === 'string' || kid === undefined ? key : { ...key, keyId: kid }
}

function fitFor(algorithm: Algorithm, object: KeyObject): SigningKey | string {
  const size = sizeProblem(object)
  if (size !== undefined) return size
  const key = attempt(() => object.toCryptoKey(imports[algorithm], false, ['sign']))
  return key === undefined ? `does not fit the algorithm ${algorithm}` : { key }
}

/** Why nobody signs with a key of this size; reads after its place. */
export function sizeProblem({ asymmetricKeyDetails }: KeyObject): string | undefined {
  const { modulusLength } = asymmetricKeyDetails ?? {}
  if (modulusLength === undefined || (modulusLength >= fewestRsaBits && modulusLength <= mostRsaBits)) return undefined
  return `is an RSA key of ${modulusLength} bits, and one of ${fewestRsaBits} to ${mostRsaBits} is wanted`
}

/** What the platform says of a key that it cannot read may quote it. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
