import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import type { Manifest } from '../support/manifests.ts'
import { loopback } from './loopback.ts'
import { manifestOf, OperatorBed, operatorNamespace } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { type AppRole, makeAppRole, writePolicy } from './vault-logins.ts'
import { startVault, type Vault } from './vault.ts'

export const namespace = 'bad'

/** Where things are wrong in every way at once, and one credential is fine. */
export interface BadInputScene {
  readonly bed: OperatorBed
  readonly vault: Vault
  readonly login: AppRole
  readonly server: AuthorizationServer
  /** Stands where a token endpoint should and answers with a web page. */
  readonly page: WrongServer
  /** Sends everybody on to the real token endpoint. */
  readonly redirect: WrongServer
  readonly operator: OperatorProcess
  stop(): Promise<void>
}

/** Starts everything, and puts a provider `login` and a store `vault` there that nothing is wrong with. */
export async function startBadInputScene(): Promise<BadInputScene> {
  const [bed, vault, server] = await Promise.all([
    OperatorBed.start(),
    startVault(),
    startAuthorizationServer({ accessTokenSeconds: 600 }),
  ])
  const [page, redirect] = await Promise.all([
    WrongServer.start(200, { 'content-type': 'text/html' }, '<!doctype html><title>Log in</title>'),
    WrongServer.start(307, { location: server.tokenEndpoint }, ''),
  ])
  await writePolicy(vault, 'bad', denyingPolicy)
  const login = await makeAppRole(vault, 'bad')
  await bed.createNamespace(namespace)
  for (const place of [namespace, operatorNamespace])
    await bed.createSecret(place, 'vault-login', { 'secret-id': login.secretId })
  await bed.apply(providerAt('login', server.tokenEndpoint, server), storeAt('vault', { vault, login }))
  const operator = await bed.operator(bed.kubeconfig, ['--allow-plain-http', '--allow-private-addresses'])
  const stop = async (): Promise<void> => {
    await Promise.all([bed.stop(), vault.stop(), server.close(), page.close(), redirect.close()])
  }
  return { bed, vault, login, server, page, redirect, operator, stop }
}

const everything = 'path "secret/data/teams/bad/*" { capabilities = ["read", "create", "update"] }'

/** Of the two documents, one may not be read and one not be written. */
const denyingPolicy = `${everything}
path "secret/data/teams/bad/denied" { capabilities = ["deny"] }
path "secret/data/teams/bad/read-only" { capabilities = ["read"] }`

export function grantEverything(vault: Vault): Promise<void> {
  return writePolicy(vault, 'bad', everything)
}

/** A provider with the public client. */
export function providerAt(name: string, tokenEndpoint: string, { clients }: AuthorizationServer): Manifest {
  const client = { id: clients.none.id, authentication: 'none' }
  return manifestOf('OAuthProvider', namespace, name, { tokenEndpoint, client })
}

/** A store with the AppRole, whose SecretID is in the named Secret. */
export function storeAt(
  name: string,
  { vault, login }: Pick<BadInputScene, 'login'> & { readonly vault: Pick<Vault, 'address'> },
  secretName = 'vault-login',
): Manifest {
  return manifestOf('TokenStore', namespace, name, vaultSpec(vault.address, login, secretName))
}

export function vaultSpec(address: string, { roleId }: AppRole, secretName: string): Manifest['spec'] {
  const secretIdRef = { name: secretName, key: 'secret-id' }
  return { vault: { address, auth: { appRole: { roleId, secretIdRef } } } }
}

/** The path of a credential's document in Vault. */
export function documentPath(name: string): string {
  return `teams/${namespace}/${name}`
}

/** A credential that nothing is wrong with, unless something of its spec is given. */
export function credentialOf(name: string, spec: Manifest['spec'] = {}): Manifest {
  return manifestOf('OAuthCredential', namespace, name, {
    providerRef: { name: 'login' },
    refreshToken: { storeRef: { name: 'vault' }, key: documentPath(name) },
    target: { name: `${name}-token` },
    ...spec,
  })
}

/** An HTTP server that is no token endpoint. */
export class WrongServer {
  requests = 0
  readonly #server: Server

  private constructor(status: number, headers: Readonly<Record<string, string>>, body: string) {
    this.#server = createServer((_, response) => {
      this.requests += 1
      response.writeHead(status, headers).end(body)
    })
  }

  static async start(status: number, headers: Readonly<Record<string, string>>, body: string): Promise<WrongServer> {
    const wrong = new WrongServer(status, headers, body)
    await new Promise<void>((resolve) => wrong.#server.listen(0, loopback, resolve))
    return wrong
  }

  get url(): string {
    return `http://${loopback}:${(this.#server.address() as AddressInfo).port}/token`
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }
}
