import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import type { Manifest } from '../support/manifests.ts'
import { TestAuthority } from '../support/test-certificates.ts'
import {
  exampleManifest,
  manifestOf,
  OperatorBed,
  operatorAccount,
  operatorNamespace,
  respecified,
} from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { TokenWatch } from './token-watch.ts'
import { allowKubernetesLogin, makeAppRole, readmePolicy, writePolicy } from './vault-logins.ts'
import { startVault, type Vault } from './vault.ts'

/** Seconds that an access token of {@link VaultScene.server} lives. */
export const lifetime = 8

/** Credentials whose tokens are not due again in these tests. */
export const calmNames = ['calm-1', 'calm-2', 'calm-3']

/** Where the main job is done with Vault: as a Pod, over TLS everywhere. */
export interface VaultScene {
  readonly bed: OperatorBed
  readonly vault: Vault
  readonly server: AuthorizationServer
  /** Hands out tokens that live ten minutes. */
  readonly calm: AuthorizationServer
  readonly operator: OperatorProcess
  /** The examples: a cluster's store and provider, the Kubernetes login, a confidential client. Namespace `ci`. */
  readonly examples: readonly Manifest[]
  /** What one namespace can do alone, with an AppRole and a public client. Namespace `apps`. */
  readonly apps: readonly Manifest[]
  readonly watches: { readonly claude: TokenWatch; readonly minimal: TokenWatch }
  stop(): Promise<void>
}

type Servers = Pick<VaultScene, 'bed' | 'vault' | 'server' | 'calm'> & { readonly ca: string }

/** Starts all servers and the operator, and puts the logins into the store. No manifest of ours is applied yet. */
export async function startVaultScene(): Promise<VaultScene> {
  const authority = new TestAuthority('test-ca')
  const tls = authority.issue()
  const scopes = ['user:inference']
  const [bed, vault, server, calm] = await Promise.all([
    OperatorBed.start(),
    startVault({ tls: true }),
    startAuthorizationServer({ tls, scopes, accessTokenSeconds: lifetime }),
    startAuthorizationServer({ tls, accessTokenSeconds: 600 }),
  ])
  const servers = { bed, vault, server, calm, ca: authority.ca }
  await writePolicy(vault, 'operator', readmePolicy)
  const [examples, apps] = await Promise.all([prepareExamples(servers), prepareApps(servers)])
  const operator = await bed.operator(bed.pod, ['--allow-private-addresses'])
  const watches = { claude: watchExample(bed, server), minimal: watchMinimal(bed, server) }
  const stop = async (): Promise<void> => {
    await Promise.all([watches.claude.stop(), watches.minimal.stop()])
    await Promise.all([bed.stop(), vault.stop(), server.close(), calm.close()])
  }
  return { ...servers, operator, examples, apps, watches, stop }
}

/** The documents that the credentials begin with, but for their refresh tokens. */
export const claudeDocument = {
  claudeAiOauth: { scopes: ['user:inference'], subscriptionType: 'max' },
  kept: { number: 9_007_199_254_740_991, list: [1, null, 'ü "quoted"'] },
}
export const minimalDocument = { account: 'somebody', note: '' }

async function prepareExamples({ bed, vault, server, ca }: Servers): Promise<readonly Manifest[]> {
  const { tokenEndpoint, clients } = server
  await bed.createNamespace('ci', { team: 'ci' })
  await bed.createSecret(operatorNamespace, 'gateway-client', { 'client-secret': clients.basic.secret })
  const login = { role: 'oauth-operator', namespace: operatorNamespace, account: operatorAccount, policy: 'operator' }
  await allowKubernetesLogin(vault, bed.cluster, login)
  const { claudeAiOauth, ...rest } = claudeDocument
  const refreshToken = await server.issueRefreshToken('basic')
  await vault.kvWrite('teams/ci/claude', { claudeAiOauth: { ...claudeAiOauth, refreshToken }, ...rest }, 0)
  return [
    respecified(exampleManifest('vault/cluster-provider.yaml'), {
      tokenEndpoint,
      'client.id': clients.basic.id,
      rotation: undefined, // this server has no leeway
      tls: { caBundle: ca },
    }),
    respecified(exampleManifest('vault/cluster-store.yaml'), {
      'vault.address': vault.address,
      'vault.tls': { caBundle: vault.caPem },
    }),
    respecified(exampleManifest('vault/credential.yaml', 'ci'), {
      'refreshToken.key': 'teams/ci/claude',
      refresh: undefined, // 20 minutes before the end of a token that lives eight seconds
    }),
  ]
}

async function prepareApps({ bed, vault, server, calm, ca }: Servers): Promise<readonly Manifest[]> {
  const { roleId, secretId } = await makeAppRole(vault, 'operator')
  await bed.createNamespace('apps')
  await bed.createSecret('apps', 'vault-login', { 'secret-id': secretId })
  await bed.createSecret('apps', 'vault-ca', { 'ca.crt': vault.caPem ?? '' })
  await vault.kvWrite('teams/apps/minimal', { refresh_token: await server.issueRefreshToken(), ...minimalDocument }, 0)
  for (const name of calmNames)
    await vault.kvWrite(`teams/apps/${name}`, { refresh_token: await calm.issueRefreshToken() }, 0)
  const provider = ({ tokenEndpoint, clients }: AuthorizationServer): Manifest['spec'] => ({
    tokenEndpoint,
    client: { id: clients.none.id, authentication: 'none' },
    tls: { caBundle: ca },
  })
  const store = {
    address: vault.address,
    tls: { caBundleSecretRef: { name: 'vault-ca', key: 'ca.crt' } },
    auth: { appRole: { roleId, secretIdRef: { name: 'vault-login', key: 'secret-id' } } },
  }
  return [
    manifestOf('TokenStore', 'apps', 'vault', { vault: store }),
    manifestOf('OAuthProvider', 'apps', 'login', provider(server)),
    manifestOf('OAuthProvider', 'apps', 'calm', provider(calm)),
    credential('minimal', 'login'),
    ...calmNames.map((name) => credential(name, 'calm')),
  ]
}

function credential(name: string, provider: string): Manifest {
  return manifestOf('OAuthCredential', 'apps', name, {
    providerRef: { name: provider },
    refreshToken: { storeRef: { name: 'vault' }, key: `teams/apps/${name}` },
    target: { name: `${name}-token` },
  })
}

function watchExample(bed: OperatorBed, server: AuthorizationServer): TokenWatch {
  return new TokenWatch(server, async () => {
    const file = (await bed.secret('ci', 'claude-token'))?.data['.credentials.json']
    if (file === undefined) return undefined
    return (JSON.parse(file) as { claudeAiOauth: { accessToken: string } }).claudeAiOauth.accessToken
  })
}

function watchMinimal(bed: OperatorBed, server: AuthorizationServer): TokenWatch {
  return new TokenWatch(server, async () => (await bed.secret('apps', 'minimal-token'))?.data['access_token'])
}
