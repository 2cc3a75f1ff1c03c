import { expect, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { changed, type Manifest } from '../support/manifests.ts'
import { type Condition, manifestOf, OperatorBed } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'

export const namespace = 'apps'

/** A Secret as the API server has it, with its data as text. */
export interface TargetObject {
  readonly metadata: {
    readonly uid: string
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[]
    readonly managedFields?: readonly { readonly manager: string; readonly operation: string }[]
  }
  readonly type: string
  readonly immutable?: boolean
  readonly data?: Readonly<Record<string, string>>
}

/** A cluster with an operator, an authorization server that rotates, and logins in Secrets of the same namespace. */
export class TargetScene {
  readonly bed: OperatorBed
  readonly server: AuthorizationServer
  readonly operator: OperatorProcess

  private constructor(bed: OperatorBed, server: AuthorizationServer, operator: OperatorProcess) {
    this.bed = bed
    this.server = server
    this.operator = operator
  }

  /** `rights`: further RBAC objects. */
  static async start(flags: readonly string[] = [], rights: readonly object[] = []): Promise<TargetScene> {
    const [bed, server] = await Promise.all([
      OperatorBed.start(),
      startAuthorizationServer({ accessTokenSeconds: 900 }),
    ])
    if (rights.length > 0) await bed.apply(...rights)
    const allowed = ['--allow-plain-http', '--allow-private-addresses']
    const scene = new TargetScene(bed, server, await bed.operator(bed.kubeconfig, [...allowed, ...flags]))
    await scene.openNamespace(namespace)
    return scene
  }

  async openNamespace(name: string): Promise<void> {
    const client = { id: this.server.clients.none.id, authentication: 'none' }
    await this.bed.createNamespace(name)
    await this.bed.apply(
      manifestOf('TokenStore', name, 'secrets', { kubernetes: {} }),
      manifestOf('OAuthProvider', name, 'login', { tokenEndpoint: this.server.tokenEndpoint, client }),
    )
  }

  /** A credential with a login of its own. */
  async credential(name: string, target: object = {}, at = namespace): Promise<Manifest> {
    await this.bed.createSecret(at, `${name}-login`, { refresh_token: await this.server.issueRefreshToken() })
    return manifestOf('OAuthCredential', at, name, {
      providerRef: { name: 'login' },
      refreshToken: { storeRef: { name: 'secrets' }, key: `${name}-login` },
      target: { name: `${name}-token`, ...target },
    })
  }

  /** Applies a credential, and resolves with it when its token is published. */
  async published(name: string, target: object = {}): Promise<Manifest> {
    const manifest = await this.credential(name, target)
    await this.bed.apply(manifest)
    await this.bed.condition(namespace, name, 'Ready', 30_000)
    return manifest
  }

  async retarget(manifest: Manifest, target: object): Promise<Manifest> {
    const next = changed(manifest, 'spec.target', target)
    await this.bed.apply(next)
    return next
  }

  /** Deletes a credential; there is no garbage collector that would go on. */
  async remove(name: string): Promise<void> {
    await this.kubectl('delete', 'oac', name, '--timeout=20s')
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.bed.cluster.kubectlOrThrow([...args, '-n', namespace])
  }

  /** As somebody does with `kubectl edit`. */
  async edit(secret: string, patch: object): Promise<void> {
    await this.kubectl('patch', 'secret', secret, '--type=merge', '-p', JSON.stringify(patch))
  }

  /** Undefined when there is none. */
  async secret(name: string, at = namespace): Promise<TargetObject | undefined> {
    const { status, json } = await this.bed.cluster.request('GET', `/api/v1/namespaces/${at}/secrets/${name}`)
    if (status !== 200) return undefined
    const secret = json as unknown as TargetObject
    const data = Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()])
    return { ...secret, data: Object.fromEntries(data) as Record<string, string> }
  }

  /** The Secret once it is as wanted, and how long that took. */
  async until(name: string, wanted: (secret: TargetObject) => boolean, withinMs: number): Promise<TargetObject> {
    return vi.waitFor(
      async () => {
        const secret = await this.secret(name)
        if (secret !== undefined && wanted(secret)) return secret
        throw new Error(`Secret ${name} is not as wanted: ${JSON.stringify(secret?.metadata.labels)}`)
      },
      { timeout: withinMs, interval: 20 },
    )
  }

  /** Expects that a credential waits for a human, and was told of it once. */
  async stalled(name: string, reason: string, at = namespace): Promise<Condition> {
    const stalled = await this.bed.condition(at, name, 'Stalled', 30_000)
    expect(stalled.reason).toBe(reason)
    return stalled
  }

  /** Warnings that people got about a credential. */
  async warnings(name: string): Promise<readonly string[]> {
    const events = await this.bed.events(namespace, name)
    return events.filter(({ type }) => type === 'Warning').map(({ note }) => note)
  }

  async stop(): Promise<void> {
    await this.bed.stop()
    await this.server.close()
  }
}
