import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import type { Manifest } from '../support/manifests.ts'
import { manifestOf, OperatorBed } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { type AppRole, makeAppRole, readmePolicy, writePolicy } from './vault-logins.ts'
import { startVault, type Vault } from './vault.ts'

export const namespace = 'default'

/** A cluster with an operator, and with the provider `login` and the store `vault` in the namespace `default`. */
export interface TeamCluster {
  readonly bed: OperatorBed
  readonly operator: OperatorProcess
}

/** A Vault and an authorization server that several clusters can use. */
export interface TeamServers {
  readonly vault: Vault
  readonly login: AppRole
  readonly server: AuthorizationServer
  stop(): Promise<void>
}

export async function startTeamServers(accessTokenSeconds: number): Promise<TeamServers> {
  const [vault, server] = await Promise.all([startVault(), startAuthorizationServer({ accessTokenSeconds })])
  await writePolicy(vault, 'team', readmePolicy)
  const login = await makeAppRole(vault, 'team')
  const stop = async (): Promise<void> => {
    await Promise.all([vault.stop(), server.close()])
  }
  return { vault, login, server, stop }
}

export async function startTeamCluster({ vault, login, server }: TeamServers): Promise<TeamCluster> {
  const bed = await OperatorBed.start()
  const secretIdRef = { name: 'vault-login', key: 'secret-id' }
  await bed.createSecret(namespace, secretIdRef.name, { [secretIdRef.key]: login.secretId })
  await bed.apply(
    manifestOf('TokenStore', namespace, 'vault', {
      vault: { address: vault.address, auth: { appRole: { roleId: login.roleId, secretIdRef } } },
    }),
    manifestOf('OAuthProvider', namespace, 'login', {
      tokenEndpoint: server.tokenEndpoint,
      client: { id: server.clients.none.id, authentication: 'none' },
    }),
  )
  return { bed, operator: await bed.operator(bed.kubeconfig, ['--allow-plain-http', '--allow-private-addresses']) }
}

/** A credential at a document of Vault, by default one of its own. */
export function credentialAt(name: string, key = `teams/${name}`): Manifest {
  return manifestOf('OAuthCredential', namespace, name, {
    providerRef: { name: 'login' },
    refreshToken: { storeRef: { name: 'vault' }, key },
    target: { name: `${name}-token` },
  })
}

/** Puts a new login into a document. */
export async function logIn({ vault, server }: TeamServers, key: string): Promise<void> {
  await vault.kvWrite(key, { refresh_token: await server.issueRefreshToken(), account: 'somebody' })
}

/** The refresh token that a document holds. */
export async function refreshTokenAt({ vault }: TeamServers, key: string): Promise<string> {
  return String((await vault.kvRead(key)).data?.['refresh_token'])
}
