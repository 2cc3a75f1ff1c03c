import * as z from 'zod'
import { constrained } from './rule.ts'
import { mapOf, pathPattern } from './scalars.ts'
import { oneBackend, storeBackends } from './store-backends.ts'

const labelKey = z
  .string()
  .min(1, { abort: true })
  .max(317)
  .regex(
    /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'must be the key of a label',
  )

const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'must be the value of a label')

const requirement = constrained(
  z.strictObject({
    key: labelKey.describe('Key of the label.'),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
      .describe('How the label relates to values: In, NotIn, Exists or DoesNotExist.'),
    values: z
      .array(labelValue)
      .max(64)
      .default([])
      .describe('Values for In and NotIn, at least one; none for Exists and DoesNotExist. Default: none.')
      .meta({ 'x-kubernetes-list-type': 'atomic' }),
  }),
  {
    cel: "(self.operator in ['In', 'NotIn']) == (self.values.size() > 0)",
    message: 'must not be empty for In and NotIn, and must be empty for Exists and DoesNotExist',
    field: 'values',
    holds: ({ operator, values }: { operator?: unknown; values?: unknown }) =>
      !Array.isArray(values) || (operator === 'In' || operator === 'NotIn') === values.length > 0,
  },
).describe('One requirement; all of them must hold.')

const namespaceSelector = z
  .strictObject({
    matchLabels: mapOf(labelValue, 64)
      .default({})
      .describe('Labels that the namespace must have with exactly these values. Default: none.'),
    matchExpressions: z
      .array(requirement)
      .max(64)
      .default([])
      .describe('Requirements that the labels of the namespace must meet. Default: none.')
      .meta({ 'x-kubernetes-list-type': 'atomic' }),
  })
  .meta({
    description: 'The namespaces that the entry is for, by their labels. {} means every namespace.',
    'x-kubernetes-map-type': 'atomic',
  })

const access = z
  .array(
    z
      .strictObject({
        namespaceSelector,
        keys: z
          .array(pathPattern(512))
          .min(1, { abort: true })
          .max(64)
          .describe(
            'Patterns of the keys that may be used: * is any text without /, ** is any text, {namespace} is the namespace of the credential. ' +
              'The whole key must match one of them.',
          )
          .meta({ 'x-kubernetes-list-type': 'atomic' }),
        namespacedProviders: z
          .enum(['Allow', 'Deny'])
          .default('Deny')
          .describe(
            'Whether these refresh tokens may be sent to an OAuthProvider, which the namespace writes itself; whoever writes one receives the ' +
              'refresh tokens. Deny: only to a ClusterOAuthProvider. Default: Deny.',
          ),
        staticTokens: z
          .enum(['Allow', 'Deny'])
          .default('Deny')
          .describe(
            'Whether access tokens under these keys may be published as they are, by credentials of the grant StaticToken: whoever may do so ' +
              'reads them. Refresh tokens are never published. Default: Deny.',
          ),
      })
      .describe('One grant.'),
  )
  .max(64)
  .describe('Who may use which keys: what no entry grants is denied. An empty list grants nothing to anybody.')
  .meta({ 'x-kubernetes-list-type': 'atomic' })

/** `spec` of a `TokenStore`. */
export const tokenStoreSpec = constrained(z.strictObject(storeBackends), oneBackend).describe(
  'One place that holds refresh tokens: exactly one of vault, awsSecretsManager, kubernetes, file.',
)

/** `spec` of a `ClusterTokenStore`. */
export const clusterTokenStoreSpec = constrained(z.strictObject({ access, ...storeBackends }), oneBackend).describe(
  'One place that holds refresh tokens, exactly one of vault, awsSecretsManager, kubernetes, file, and who may use which keys.',
)

export type TokenStoreSpec = z.output<typeof tokenStoreSpec>
export type ClusterTokenStoreSpec = z.output<typeof clusterTokenStoreSpec>
