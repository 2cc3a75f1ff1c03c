import type { FailureCode } from '../../src/domain/failures.ts'
import type { ClientKind } from '../support/authorization-server.ts'
import { canary } from '../support/canary.ts'
import type { Manifest } from '../support/manifests.ts'
import {
  type BadInputScene,
  credentialOf,
  documentPath,
  grantEverything,
  namespace,
  providerAt,
  storeAt,
  vaultSpec,
} from './bad-input-scene.ts'
import { freePort, loopback } from './loopback.ts'
import { manifestOf } from './operator-bed.ts'

/** Something that is wrong with what a credential refers to. */
export interface BadInput {
  /** Of the credential. Its target is `<name>-token`. */
  readonly name: string
  readonly code: FailureCode
  /** How it shows: waiting for a human, or tried again. */
  readonly shownAs: 'Stalled' | 'Reconciling'
  /** What the message has to name. */
  readonly names: readonly string[]
  /** Requests that the authorization server refuses because of it; default 0. */
  readonly refusals?: number
  /** The document in the store; default: a good one. */
  readonly document?: (scene: BadInputScene) => Promise<Readonly<Record<string, unknown>> | undefined>
  /** Makes what is wrong. @returns the manifests to apply, the credential among them. */
  readonly make: (scene: BadInputScene) => Promise<readonly Manifest[]>
  /** What a human does who reads the message. Absent: nobody comes. */
  readonly mend?: (scene: BadInputScene) => Promise<unknown>
}

/** A document as a login leaves it. */
export async function loginDocument(
  { server }: BadInputScene,
  kind: ClientKind = 'none',
): Promise<Readonly<Record<string, unknown>>> {
  return { refresh_token: await server.issueRefreshToken(kind), account: 'somebody' }
}

async function deadDocument(scene: BadInputScene): Promise<Readonly<Record<string, unknown>>> {
  const document = await loginDocument(scene)
  await scene.server.revoke(String(document['refresh_token']))
  return document
}

/** A document that a human puts there. */
async function logInAgain(scene: BadInputScene, name: string): Promise<void> {
  await scene.vault.kvWrite(documentPath(name), await loginDocument(scene))
}

function kubectl({ bed }: BadInputScene, ...args: readonly string[]): Promise<string> {
  return bed.cluster.kubectlOrThrow([...args, '-n', namespace])
}

function patch(scene: BadInputScene, object: string, body: object): Promise<string> {
  return kubectl(scene, 'patch', object, '--type=merge', '-p', JSON.stringify(body))
}

function vaultDocument(name: string, store = `TokenStore ${namespace}/vault`): string {
  return `document "${documentPath(name)}" of ${store}`
}

async function closedPort(): Promise<string> {
  return `http://${loopback}:${await freePort()}`
}

const providers: Readonly<Record<string, BadInput>> = {
  'a provider that does not exist': {
    name: 'no-provider',
    code: 'PROVIDER_NOT_FOUND',
    shownAs: 'Stalled',
    names: ['OAuthProvider bad/nobody'],
    make: async () => Promise.resolve([credentialOf('no-provider', { providerRef: { name: 'nobody' } })]),
    mend: ({ bed, server }) => bed.apply(providerAt('nobody', server.tokenEndpoint, server)),
  },
  'a token endpoint that nobody listens at': {
    name: 'unreachable',
    code: 'TOKEN_ENDPOINT_UNREACHABLE',
    shownAs: 'Reconciling',
    names: ['OAuthProvider bad/unreachable'],
    make: async ({ server }) => [
      providerAt('unreachable', `${await closedPort()}/token`, server),
      credentialOf('unreachable', { providerRef: { name: 'unreachable' } }),
    ],
    mend: (scene) => patch(scene, 'oauthprovider/unreachable', { spec: { tokenEndpoint: scene.server.tokenEndpoint } }),
  },
  'a token endpoint that is a web page': {
    name: 'page',
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    shownAs: 'Reconciling',
    names: ['OAuthProvider bad/page', 'a web page'],
    make: async ({ server, page }) =>
      Promise.resolve([providerAt('page', page.url, server), credentialOf('page', { providerRef: { name: 'page' } })]),
    mend: async (scene) => {
      // The refresh token was sent to the page, so a human has to say that it may go elsewhere.
      const annotations = { 'oauth-operator.dev/allow-token-origin': scene.server.issuer }
      await patch(scene, 'oauthcredential/page', { metadata: { annotations } })
      return patch(scene, 'oauthprovider/page', { spec: { tokenEndpoint: scene.server.tokenEndpoint } })
    },
  },
  'a token endpoint that redirects': {
    name: 'redirect',
    code: 'TOKEN_ENDPOINT_REDIRECTED',
    shownAs: 'Stalled',
    names: ['OAuthProvider bad/redirect', '307'],
    make: async ({ server, redirect }) =>
      Promise.resolve([
        providerAt('redirect', redirect.url, server),
        credentialOf('redirect', { providerRef: { name: 'redirect' } }),
      ]),
    mend: (scene) => patch(scene, 'oauthprovider/redirect', { spec: { tokenEndpoint: scene.server.tokenEndpoint } }),
  },
  'a client secret that does not exist': {
    name: 'no-secret',
    code: 'CLIENT_SECRET_UNAVAILABLE',
    shownAs: 'Stalled',
    names: ['Secret bad/no-client'],
    document: (scene) => loginDocument(scene, 'post'),
    make: async ({ server }) => Promise.resolve(confidential(server, 'no-secret', 'no-client')),
    mend: ({ bed, server }) => bed.createSecret(namespace, 'no-client', { secret: server.clients.post.secret }),
  },
  'a wrong client secret': {
    name: 'wrong-secret',
    code: 'CLIENT_REJECTED',
    shownAs: 'Stalled',
    names: ['OAuthProvider bad/wrong-secret', 'invalid_client'],
    refusals: 1,
    document: (scene) => loginDocument(scene, 'post'),
    make: async ({ bed, server }) => {
      await bed.createSecret(namespace, 'wrong-client', { secret: canary('secret') })
      return confidential(server, 'wrong-secret', 'wrong-client')
    },
    // Whoever also asks for a refresh may be faster than the next look at the Secret, and have the old one refused again.
    mend: (scene) => patch(scene, 'secret/wrong-client', { stringData: { secret: scene.server.clients.post.secret } }),
  },
}

function confidential({ tokenEndpoint, clients }: BadInputScene['server'], name: string, secret: string): Manifest[] {
  const secretRef = { name: secret, key: 'secret' }
  const client = { id: clients.post.id, authentication: 'client_secret_post', secretRef }
  return [
    manifestOf('OAuthProvider', namespace, name, { tokenEndpoint, client }),
    credentialOf(name, { providerRef: { name } }),
  ]
}

const stores: Readonly<Record<string, BadInput>> = {
  'a store that does not exist': {
    name: 'no-store',
    code: 'STORE_NOT_FOUND',
    shownAs: 'Stalled',
    names: ['TokenStore bad/nowhere'],
    make: async () => Promise.resolve([inStore('no-store', { name: 'nowhere' })]),
    mend: (scene) => scene.bed.apply(storeAt('nowhere', scene)),
  },
  'a store that nobody listens at': {
    name: 'silent-store',
    code: 'STORE_UNAVAILABLE',
    shownAs: 'Reconciling',
    names: ['TokenStore bad/silent'],
    make: async ({ login }) => [
      storeAt('silent', { login, vault: { address: await closedPort() } }),
      inStore('silent-store', { name: 'silent' }),
    ],
    mend: (scene) => scene.bed.apply(storeAt('silent', scene)),
  },
  'a login that the store does not know': {
    name: 'wrong-login',
    code: 'STORE_LOGIN_REJECTED',
    shownAs: 'Stalled',
    names: ['TokenStore bad/wrong-login', 'AppRole at auth/approle'],
    make: async (scene) => {
      await scene.bed.createSecret(namespace, 'wrong-login', { 'secret-id': canary('secret') })
      return [storeAt('wrong-login', scene, 'wrong-login'), inStore('wrong-login', { name: 'wrong-login' })]
    },
    mend: (scene) => patch(scene, 'secret/wrong-login', { stringData: { 'secret-id': scene.login.secretId } }),
  },
  'a document that the store lets nobody read': {
    name: 'denied',
    code: 'STORE_FORBIDDEN',
    shownAs: 'Stalled',
    names: [vaultDocument('denied'), '403'],
    make: async () => Promise.resolve([credentialOf('denied')]),
    mend: ({ vault }) => grantEverything(vault),
  },
  "a cluster's store that grants nothing": {
    name: 'not-granted',
    code: 'STORE_ACCESS_NOT_GRANTED',
    shownAs: 'Stalled',
    names: ['ClusterTokenStore closed', 'namespace bad', '"teams/bad/not-granted"'],
    make: async ({ vault, login }) =>
      Promise.resolve([
        closedStore([], vaultSpec(vault.address, login, 'vault-login')),
        inStore('not-granted', { kind: 'ClusterTokenStore', name: 'closed' }),
      ]),
    mend: (scene) => {
      const grant = { namespaceSelector: {}, keys: ['teams/{namespace}/*'], namespacedProviders: 'Allow' }
      return patch(scene, 'clustertokenstore/closed', { spec: { access: [grant] } })
    },
  },
}

function inStore(name: string, storeRef: object): Manifest {
  return credentialOf(name, { refreshToken: { storeRef, key: documentPath(name) } })
}

function closedStore(access: readonly object[], spec: Manifest['spec']): Manifest {
  const { apiVersion } = credentialOf('closed')
  return { apiVersion, kind: 'ClusterTokenStore', metadata: { name: 'closed' }, spec: { access, ...spec } }
}

const documents: Readonly<Record<string, BadInput>> = {
  'a document that does not exist': {
    name: 'no-document',
    code: 'REFRESH_TOKEN_MISSING',
    shownAs: 'Stalled',
    names: [vaultDocument('no-document')],
    document: () => Promise.resolve(undefined),
    make: async () => Promise.resolve([credentialOf('no-document')]),
    mend: (scene) => logInAgain(scene, 'no-document'),
  },
  'a document without a refresh token': {
    name: 'malformed',
    code: 'REFRESH_TOKEN_MALFORMED',
    shownAs: 'Stalled',
    names: [vaultDocument('malformed')],
    document: () => Promise.resolve({ username: 'somebody', password: canary('secret') }),
    make: async () => Promise.resolve([credentialOf('malformed')]),
    mend: (scene) => logInAgain(scene, 'malformed'),
  },
  'a refresh token that is dead': {
    name: 'dead',
    code: 'REFRESH_TOKEN_REJECTED',
    shownAs: 'Stalled',
    names: ['OAuthProvider bad/login', 'invalid_grant'],
    refusals: 1,
    document: deadDocument,
    make: async () => Promise.resolve([credentialOf('dead')]),
    mend: (scene) => logInAgain(scene, 'dead'),
  },
  'a target that belongs to somebody else': {
    name: 'foreign',
    code: 'TARGET_NOT_OWNED',
    shownAs: 'Stalled',
    names: ['foreign-token'],
    make: (scene) => withForeignTarget(scene, 'foreign'),
    mend: (scene) => kubectl(scene, 'annotate', 'secret/foreign-token', 'oauth-operator.dev/adopt=true'),
  },
}

/** What the foreign Secrets hold. */
export const foreignData = { password: canary('secret') }

async function withForeignTarget({ bed }: BadInputScene, name: string): Promise<readonly Manifest[]> {
  await bed.createSecret(namespace, `${name}-token`, foreignData)
  return [credentialOf(name)]
}

/** Nobody comes to mend these. */
export const leftAlone: Readonly<Record<string, BadInput>> = {
  'a dead refresh token': {
    name: 'dead-for-good',
    code: 'REFRESH_TOKEN_REJECTED',
    shownAs: 'Stalled',
    names: ['OAuthProvider bad/login'],
    refusals: 1,
    document: deadDocument,
    make: async () => Promise.resolve([credentialOf('dead-for-good')]),
  },
  'a missing document': {
    name: 'never-there',
    code: 'REFRESH_TOKEN_MISSING',
    shownAs: 'Stalled',
    names: [vaultDocument('never-there')],
    document: () => Promise.resolve(undefined),
    make: async () => Promise.resolve([credentialOf('never-there')]),
  },
  'a foreign target': {
    name: 'always-foreign',
    code: 'TARGET_NOT_OWNED',
    shownAs: 'Stalled',
    names: ['always-foreign-token'],
    make: (scene) => withForeignTarget(scene, 'always-foreign'),
  },
}

/** Keyed by what is wrong. */
export const badInputs: Readonly<Record<string, BadInput>> = { ...providers, ...stores, ...documents }
