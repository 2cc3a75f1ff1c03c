import type * as z from 'zod'
import { type OAuthCredentialStatus, oauthCredentialStatus } from './oauth-credential-status.ts'
import { oauthCredentialSpec } from './oauth-credential.ts'
import { clusterOAuthProviderSpec, oauthProviderSpec } from './oauth-provider.ts'
import { clusterTokenStoreSpec, tokenStoreSpec } from './token-store.ts'

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  readonly jsonPath: string
  readonly description: string
  /** 1: only with `-o wide`. */
  readonly priority?: 1
}

/** What the API server is told of a kind. */
export interface KindDefinition {
  readonly kind: string
  readonly singular: string
  readonly plural: string
  readonly shortNames: readonly string[]
  readonly scope: 'Namespaced' | 'Cluster'
  readonly description: string
  readonly spec: z.ZodType
  /** Present when the kind has the status subresource. */
  readonly status?: z.ZodType<OAuthCredentialStatus>
  readonly columns: readonly PrinterColumn[]
  readonly selectableFields: readonly string[]
}

const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since it was created.',
}

function column(name: string, jsonPath: string, description: string): PrinterColumn {
  return { name, type: 'string', jsonPath, description }
}

function wide(name: string, jsonPath: string, description: string): PrinterColumn {
  return { name, type: 'string', jsonPath, description, priority: 1 }
}

function readyField(field: string): string {
  return `.status.conditions[?(@.type=="Ready")].${field}`
}

const noStatus = 'It has no status: what is wrong with it shows in the conditions of the credentials that refer to it.'

const oauthCredential = {
  kind: 'OAuthCredential',
  singular: 'oauthcredential',
  plural: 'oauthcredentials',
  shortNames: ['oac'],
  scope: 'Namespaced',
  description:
    'OAuthCredential keeps an access token fresh: it refreshes it before it expires, writes a rotated refresh token back to its store and ' +
    'publishes the access token in a Secret.',
  spec: oauthCredentialSpec,
  status: oauthCredentialStatus,
  // A column of type date shows the time since; a time to come would print as <invalid>, so those are strings.
  columns: [
    column('Ready', readyField('status'), 'Whether the target holds an access token that has not expired.'),
    column('Reason', readyField('reason'), 'Why.'),
    column('Expires', '.status.accessTokenExpirationTime', 'Expiry of the access token in the target.'),
    {
      name: 'Last-Refresh',
      type: 'date',
      jsonPath: '.status.lastRefreshTime',
      description: 'Time since the last refresh.',
    },
    column('Secret', '.spec.target.name', 'The target.'),
    age,
    wide('Grant', '.spec.grant', 'How access tokens are obtained.'),
    wide('Provider', '.spec.providerRef.name', 'The authorization server.'),
    wide('Store', ".spec['refreshToken','accessToken'].storeRef.name", 'The store of the token.'),
    wide('Next', '.status.nextRefreshTime', 'When the next refresh is due.'),
    {
      name: 'Failures',
      type: 'integer',
      jsonPath: '.status.consecutiveFailures',
      description: 'Attempts that failed since the last success.',
      priority: 1,
    },
    {
      name: 'Suspended',
      type: 'boolean',
      jsonPath: '.spec.suspend',
      description: 'Whether it is suspended.',
      priority: 1,
    },
    wide('Message', readyField('message'), 'Why, in words.'),
  ],
  selectableFields: ['.spec.providerRef.name', '.spec.refreshToken.storeRef.name', '.spec.target.name'],
} as const satisfies KindDefinition

const providerColumns = [
  column('Preset', '.spec.presetRef.name', 'The provider that says the rest.'),
  column('Endpoint', '.spec.tokenEndpoint', 'The token endpoint.'),
  column('Client', '.spec.client.id', 'The client id.'),
  column('Authentication', '.spec.client.authentication', 'How the client proves itself.'),
  age,
] as const

const oauthProvider = {
  kind: 'OAuthProvider',
  singular: 'oauthprovider',
  plural: 'oauthproviders',
  shortNames: [],
  scope: 'Namespaced',
  description: `OAuthProvider is one authorization server, for the credentials of its namespace. ${noStatus}`,
  spec: oauthProviderSpec,
  columns: providerColumns,
  selectableFields: [],
} as const satisfies KindDefinition

const clusterOAuthProvider = {
  kind: 'ClusterOAuthProvider',
  singular: 'clusteroauthprovider',
  plural: 'clusteroauthproviders',
  shortNames: [],
  scope: 'Cluster',
  description: `ClusterOAuthProvider is one authorization server, for the credentials of every namespace, or a preset for other providers. ${noStatus}`,
  spec: clusterOAuthProviderSpec,
  columns: providerColumns,
  selectableFields: [],
} as const satisfies KindDefinition

// Only the column of the backend that is there is filled: a JSON path cannot name a key.
const storeColumns = [
  column('Vault', '.spec.vault.address', 'Address of Vault, for that backend.'),
  column('AWS-Region', '.spec.awsSecretsManager.region', 'Region, for AWS Secrets Manager.'),
  column('Directory', '.spec.file.directory', 'Directory, for files.'),
  age,
] as const

const tokenStore = {
  kind: 'TokenStore',
  singular: 'tokenstore',
  plural: 'tokenstores',
  shortNames: [],
  scope: 'Namespaced',
  description: `TokenStore is one place that holds refresh tokens, for the credentials of its namespace. ${noStatus}`,
  spec: tokenStoreSpec,
  columns: storeColumns,
  selectableFields: [],
} as const satisfies KindDefinition

const clusterTokenStore = {
  kind: 'ClusterTokenStore',
  singular: 'clustertokenstore',
  plural: 'clustertokenstores',
  shortNames: [],
  scope: 'Cluster',
  description: `ClusterTokenStore is one place that holds refresh tokens, for the namespaces that its access list names. ${noStatus}`,
  spec: clusterTokenStoreSpec,
  columns: storeColumns,
  selectableFields: [],
} as const satisfies KindDefinition

/** Our kinds by name. */
export const kinds = {
  OAuthCredential: oauthCredential,
  OAuthProvider: oauthProvider,
  ClusterOAuthProvider: clusterOAuthProvider,
  TokenStore: tokenStore,
  ClusterTokenStore: clusterTokenStore,
} as const satisfies Record<string, KindDefinition>

export type OurKind = keyof typeof kinds

export function isOurKind(kind: unknown): kind is OurKind {
  return typeof kind === 'string' && Object.hasOwn(kinds, kind)
}
