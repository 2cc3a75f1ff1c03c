import * as z from 'zod'
import { secretKeyRef, secretPlace } from './references.ts'
import { objectName, printable } from './scalars.ts'

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

const assertion = z
  .strictObject({
    keyRef: secretKeyRef('Secret key that holds the private key: PEM (PKCS #8) or a JWK. Required.').optional(),
    algorithm: z
      .enum(algorithms)
      .describe('Algorithm of the signature (RFC 7518, RFC 8037); the key must be fit for it. Default: RS256.')
      .optional(),
    keyId: printable(256)
      .describe('Key id in the header of the assertion (kid). Default: that of the JWK, else none.')
      .optional(),
    audience: printable(2048)
      .describe('Whom the assertion is for (aud). Default: the URL of the token endpoint.')
      .optional(),
  })
  .describe('How the client signs what it says of itself (RFC 7523), for private_key_jwt alone.')

/** `spec.client` of a provider. */
export const oauthClient = z
  .strictObject({
    id: printable(512)
      .describe('The client_id that the authorization server gave out. Required, here or in the preset.')
      .optional(),
    authentication: z
      .enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth'])
      .describe(
        'How the client proves itself. none: a public client. client_secret_basic: HTTP Basic (RFC 6749 section 2.3.1). ' +
          'client_secret_post: client_secret in the request body. private_key_jwt: an assertion that it signs (RFC 7523). ' +
          'tls_client_auth: a client certificate (RFC 8705). Default: client_secret_basic (RFC 7591 section 2).',
      )
      .optional(),
    secretRef: secretKeyRef(
      'Secret key that holds the client secret. Required for client_secret_basic and client_secret_post, and only for them.',
    ).optional(),
    assertion: assertion.optional(),
    certificateSecretName: objectName
      .describe(
        "Name of the Secret of type kubernetes.io/tls that holds the client's certificate and private key. Required for tls_client_auth, and " +
          `only for it. ${secretPlace}`,
      )
      .optional(),
  })
  .describe('The client that refresh tokens were issued to.')
