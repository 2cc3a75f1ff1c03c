import * as z from 'zod'
import { secretKeyRef, secretPlace } from './references.ts'
import { constrained, type Rule } from './rule.ts'
import { objectName, printable } from './scalars.ts'

const methods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth'] as const

type Method = (typeof methods)[number]

/** What a client proves itself with, and by which methods. */
const proofs = {
  secretRef: ['client_secret_basic', 'client_secret_post'],
  assertion: ['private_key_jwt'],
  certificateSecretName: ['tls_client_auth'],
} as const satisfies Record<string, readonly Method[]>

type Proof = keyof typeof proofs
type WrittenClient = Readonly<Partial<Record<Proof | 'authentication', unknown>>>

function proofRules(proof: Proof): readonly Rule<WrittenClient>[] {
  const using: readonly string[] = proofs[proof]
  const list = `[${using.map((method) => `'${method}'`).join(', ')}]`
  const names = using.join(' or ')
  return [
    {
      cel: `!(self.authentication in ${list}) || has(self.${proof})`,
      message: `is required when authentication is ${names}`,
      field: proof,
      holds: (client) => !using.includes(String(client.authentication)) || client[proof] !== undefined,
    },
    {
      cel: `self.authentication in ${list} || !has(self.${proof})`,
      message: `must be absent unless authentication is ${names}`,
      field: proof,
      holds: (client) => using.includes(String(client.authentication)) || client[proof] === undefined,
    },
  ]
}

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

const assertion = z
  .strictObject({
    keyRef: secretKeyRef('Secret key that holds the private key: PEM (PKCS #8) or a JWK.'),
    algorithm: z
      .enum(algorithms)
      .default('RS256')
      .describe('Algorithm of the signature (RFC 7518, RFC 8037); the key must be fit for it. Default: RS256.'),
    keyId: printable(256)
      .describe('Key id in the header of the assertion (kid). Default: that of the JWK, else none.')
      .optional(),
    audience: printable(2048)
      .describe('Whom the assertion is for (aud). Default: the URL of the token endpoint.')
      .optional(),
  })
  .describe('How the client signs what it says of itself (RFC 7523), for private_key_jwt alone.')

/** `spec.client` of a provider. */
export const oauthClient = constrained(
  z.strictObject({
    id: printable(512).describe('The client_id that the authorization server gave out.'),
    authentication: z
      .enum(methods)
      .default('client_secret_basic')
      .describe(
        'How the client proves itself. none: a public client. client_secret_basic: HTTP Basic (RFC 6749 section 2.3.1). ' +
          'client_secret_post: client_secret in the request body. private_key_jwt: an assertion that it signs (RFC 7523). ' +
          'tls_client_auth: a client certificate (RFC 8705). Default: client_secret_basic (RFC 7591 section 2).',
      ),
    secretRef: secretKeyRef(
      'Secret key that holds the client secret, for client_secret_basic and client_secret_post.',
    ).optional(),
    assertion: assertion.optional(),
    certificateSecretName: objectName
      .describe(
        `Name of the Secret of type kubernetes.io/tls that holds the client's certificate and private key, for tls_client_auth alone. ${secretPlace}`,
      )
      .optional(),
  }),
  ...proofRules('secretRef'),
  ...proofRules('assertion'),
  ...proofRules('certificateSecretName'),
).describe('The client that refresh tokens were issued to.')
