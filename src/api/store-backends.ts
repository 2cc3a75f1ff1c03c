import * as z from 'zod'
import { secretKeyRef, secretPlace, tlsTrust } from './references.ts'
import { constrained, exactlyOneOf } from './rule.ts'
import { dataKey, durationText, httpBaseUrl, objectName, printable, relativePath } from './scalars.ts'

const serviceAccountRef = z
  .strictObject({
    name: objectName.describe('Name of the ServiceAccount.'),
    audiences: z
      .array(printable(256))
      .max(8)
      .default([])
      .describe(
        'Audiences of the token that is requested. For a TokenStore at least one, and none that the API server itself accepts, because Vault is ' +
          'shown the token; else the login is refused. Default: none, which means that of the API server.',
      )
      .meta({ 'x-kubernetes-list-type': 'atomic' }),
  })
  .describe(
    'ServiceAccount whose token is presented, in the namespace of this object; for cluster-scoped kinds in the namespace of the operator. ' +
      "Default: the operator's own, for a ClusterTokenStore alone; a TokenStore has to name one, whatever --ambient-store-credentials says.",
  )

const vaultAuth = constrained(
  z.strictObject({
    token: z
      .strictObject({ secretRef: secretKeyRef('Secret key that holds the Vault token.') })
      .describe('Log in with a token.')
      .optional(),
    appRole: z
      .strictObject({
        mount: relativePath(256).default('approle').describe('Mount of the AppRole method. Default: approle.'),
        roleId: printable(256).describe('The RoleID.'),
        secretIdRef: secretKeyRef('Secret key that holds the SecretID.'),
      })
      .describe('Log in with an AppRole.')
      .optional(),
    kubernetes: z
      .strictObject({
        mount: relativePath(256).default('kubernetes').describe('Mount of the Kubernetes method. Default: kubernetes.'),
        role: printable(256).describe('Name of the role at that mount.'),
        serviceAccountRef: serviceAccountRef.optional(),
      })
      .describe('Log in with the token of a ServiceAccount.')
      .optional(),
  }),
  exactlyOneOf('token', 'appRole', 'kubernetes'),
).describe('How to log in: exactly one of token, appRole, kubernetes.')

const vault = z
  .strictObject({
    address: httpBaseUrl.describe(
      'URL of Vault or OpenBao. Plain http works only when the operator was started with --allow-plain-http. For a TokenStore, private and ' +
        'loopback addresses work only with --allow-private-addresses.',
    ),
    namespace: relativePath(256).describe('Namespace inside Vault or OpenBao. Default: the root namespace.').optional(),
    mount: relativePath(256).default('secret').describe('Mount of the KV version 2 engine. Default: secret.'),
    tls: tlsTrust,
    auth: vaultAuth,
  })
  .describe('A KV version 2 engine of HashiCorp Vault or OpenBao. The key of a credential is a path below its mount.')

const awsAuth = z
  .strictObject({
    secretRef: z
      .strictObject({
        name: objectName.describe('Name of the Secret.'),
        accessKeyIdKey: dataKey
          .default('access-key-id')
          .describe('Key that holds the access key id. Default: access-key-id.'),
        secretAccessKeyKey: dataKey
          .default('secret-access-key')
          .describe('Key that holds the secret access key. Default: secret-access-key.'),
        sessionTokenKey: dataKey.describe('Key that holds the session token. Default: there is none.').optional(),
      })
      .describe(`Secret that holds an access key. ${secretPlace}`),
  })
  .describe(
    'How to log in. Default: as the AWS SDK finds out, for example by the role of the ServiceAccount of the operator; for a TokenStore that works ' +
      'only when the operator was started with --ambient-store-credentials=all.',
  )

const awsSecretsManager = z
  .strictObject({
    region: z
      .string()
      .min(1, { abort: true })
      .max(64)
      .regex(/^[a-z0-9]+(-[a-z0-9]+)+$/, 'must be the name of a region, such as eu-central-1')
      .describe('Region of the secrets. Default: as the AWS SDK finds out.')
      .optional(),
    endpoint: httpBaseUrl
      .describe(
        'URL in place of the endpoint of the region, for VPC endpoints and emulators. Default: the endpoint of the region.',
      )
      .optional(),
    auth: awsAuth.optional(),
    minimumWriteInterval: durationText('0s', '24h')
      .default('15m')
      .describe(
        'Shortest time between two writes of one secret: AWS takes about 100 versions of it in a day. When a refresh token rotates more often, its ' +
          "successors stay in the operator's record and the secret is written at this interval. 0s: every one is written at once. Default: 15m.",
      ),
  })
  .describe('AWS Secrets Manager. The key of a credential is the name or the ARN of a secret.')

/** The members of which a store has exactly one. */
export const storeBackends = {
  vault: vault.optional(),
  awsSecretsManager: awsSecretsManager.optional(),
  kubernetes: z
    .strictObject({})
    .describe(
      'Secrets of type Opaque in the namespace of the credential, whose key is the name of one. Works only in a cluster. No settings: write {}.',
    )
    .optional(),
  file: z
    .strictObject({
      directory: z
        .string()
        .min(1, { abort: true })
        .max(1024)
        .regex(/^\P{Cc}+$/u, 'must be a path without control characters')
        .describe('Path of the directory. A relative one begins at the directory of the manifests.'),
    })
    .describe(
      'Files in a directory. The key of a credential is a path below it. Works only without a cluster, in standalone mode.',
    )
    .optional(),
} as const

export const oneBackend = exactlyOneOf('vault', 'awsSecretsManager', 'kubernetes', 'file')

export type VaultManifest = z.output<typeof vault>
export type AwsSecretsManagerManifest = z.output<typeof awsSecretsManager>
