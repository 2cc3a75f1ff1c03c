import { expect, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import type { Manifest } from '../support/manifests.ts'
import { TcpRelay } from '../support/tcp-relay.ts'
import { HeldEndpoint, type HeldEndpointOptions } from './held-endpoint.ts'
import { manifestOf, OperatorBed, operatorNamespace } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { makeAppRole, readmePolicy, writePolicy } from './vault-logins.ts'
import { startVault, type Vault } from './vault.ts'

export const namespace = 'default'

/** A replica in a Pod, and the way that it reaches the API server, which can be broken. */
export interface Replica {
  readonly process: OperatorProcess
  readonly api: TcpRelay
}

/** Two replicas; credentials in Kubernetes Secrets and one in Vault, each with a token endpoint of its own to hold back. */
export interface LostReplicaScene {
  readonly bed: OperatorBed
  readonly vault: Vault
  /** The way to Vault, which can be broken. */
  readonly vaultRelay: TcpRelay
  readonly server: AuthorizationServer
  readonly replicas: readonly [Replica, Replica]
  readonly endpoints: Readonly<Record<Name, HeldEndpoint>>
  stop(): Promise<void>
}

const kinds = {
  stopped: {},
  journaled: {},
  lost: {},
  lenient: { leeway: true },
  unreached: {},
} as const satisfies Readonly<Record<string, HeldEndpointOptions>>

export type Name = keyof typeof kinds
const names = Object.keys(kinds) as readonly Name[]

/** Starts everything, and resolves when every credential has its first token. */
export async function startLostReplicaScene(): Promise<LostReplicaScene> {
  const [bed, vault, server] = await Promise.all([
    OperatorBed.start(),
    startVault(),
    startAuthorizationServer({ accessTokenSeconds: 600 }),
  ])
  const vaultRelay = new TcpRelay(vault.address)
  const vaultAddress = (await vaultRelay.start()).replace('https:', 'http:')
  const opened = names.map(async (name) => [name, await HeldEndpoint.start(server.tokenEndpoint, kinds[name])] as const)
  const endpoints = Object.fromEntries(await Promise.all(opened)) as LostReplicaScene['endpoints']
  const [first, second] = [await startReplica(bed, 'replica-0'), await startReplica(bed, 'replica-1')]
  const stop = async (): Promise<void> => {
    await bed.stop()
    await Promise.all([first, second].map(({ api }) => api.stop()))
    await Promise.all(Object.values(endpoints).map((endpoint) => endpoint.stop()))
    await Promise.all([vaultRelay.stop(), vault.stop(), server.close()])
  }
  const scene: LostReplicaScene = { bed, vault, vaultRelay, server, replicas: [first, second], endpoints, stop }
  await putLogins(scene)
  await bed.apply(...(await stores(scene, vaultAddress)), ...names.flatMap((name) => manifestsOf(scene, name)))
  await bed.cluster.kubectlOrThrow(['wait', '--for=condition=Ready', '--timeout=30s', 'oac', '--all'])
  return scene
}

/** The one replica that leads, and the other. */
export async function rolesOf({
  replicas,
}: LostReplicaScene): Promise<{ readonly leader: Replica; readonly standby: Replica }> {
  const [first, second] = replicas
  return vi.waitFor(
    async () => {
      const leads = [await first.process.leads(), await second.process.leads()]
      expect(leads.filter((does) => does)).toHaveLength(1)
      return leads[0] === true ? { leader: first, standby: second } : { leader: second, standby: first }
    },
    { timeout: 25_000, interval: 100 },
  )
}

/** Has a refresh begun whose request or answer is held back, and resolves when it is. */
export async function beginHeld(
  { bed, endpoints }: LostReplicaScene,
  name: Name,
  what: 'request' | 'answer',
): Promise<void> {
  const endpoint = endpoints[name]
  endpoint.holdNext(what)
  await bed.requestRefresh(namespace, name)
  await vi.waitFor(() => expect(endpoint.held).toBe(1), { timeout: 10_000, interval: 50 })
}

async function startReplica(bed: OperatorBed, identity: string): Promise<Replica> {
  const api = new TcpRelay(bed.cluster.url)
  const login = bed.podAt(await api.start())
  return { api, process: await bed.replica(login, ['--allow-plain-http', '--allow-private-addresses'], identity) }
}

async function putLogins({ bed, vault, server }: LostReplicaScene): Promise<void> {
  for (const name of names) {
    const login = { refresh_token: await server.issueRefreshToken() }
    if (name === 'journaled') await vault.kvWrite('teams/journaled', login, 0)
    else await bed.createSecret(namespace, `${name}-login`, login)
  }
}

async function stores({ bed, vault }: LostReplicaScene, address: string): Promise<readonly Manifest[]> {
  await writePolicy(vault, 'replicas', readmePolicy)
  const { roleId, secretId } = await makeAppRole(vault, 'replicas')
  const login = { name: 'vault-login', key: 'secret-id' }
  for (const place of [namespace, operatorNamespace])
    await bed.createSecret(place, login.name, { [login.key]: secretId })
  return [
    manifestOf('TokenStore', namespace, 'secrets', { kubernetes: {} }),
    manifestOf('TokenStore', namespace, 'vault', {
      vault: { address, auth: { appRole: { roleId, secretIdRef: login } } },
    }),
  ]
}

function manifestsOf({ server, endpoints }: LostReplicaScene, name: Name): readonly Manifest[] {
  const rotation = name === 'lenient' ? { reuseLeeway: '10m' } : {}
  const place =
    name === 'journaled'
      ? { storeRef: { name: 'vault' }, key: 'teams/journaled' }
      : { storeRef: { name: 'secrets' }, key: `${name}-login` }
  return [
    manifestOf('OAuthProvider', namespace, name, {
      tokenEndpoint: endpoints[name].url,
      client: { id: server.clients.none.id, authentication: 'none' },
      rotation,
    }),
    manifestOf('OAuthCredential', namespace, name, {
      providerRef: { name },
      refreshToken: place,
      target: { name: `${name}-token` },
    }),
  ]
}
