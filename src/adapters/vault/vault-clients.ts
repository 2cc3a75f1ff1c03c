import { X509Certificate } from 'node:crypto'
import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { storeText, type TokenStore, type VaultBackend } from '../../domain/token-store.ts'
import type { ConnectionPolicy } from './connection-policy.ts'
import { VaultConnection } from './vault-connection.ts'
import { type SessionDeps, VaultSession } from './vault-session.ts'

export interface ClientDeps extends SessionDeps {
  readonly policy: ConnectionPolicy
  /** Milliseconds for one request to Vault; default 20,000. */
  readonly timeoutMs?: number
}

interface Client {
  /** What the client was made from; not secret. */
  readonly madeFrom: string
  readonly ca: string | undefined
  readonly session: VaultSession
  readonly connection: VaultConnection
  lastUsedMs: number
}

const defaultTimeoutMs = 20_000
/** Longer than a day, so that a daily refresh finds its login, and a token that a human made is renewed meanwhile. */
const unusedMs = 26 * 3600 * 1000
const mostClients = 256

/**
 * One client for each store: connections and a login. It is made anew when the manifest or the trust
 * anchors change, and closed when it was not used for 26 hours, or was unused the longest of 256.
 */
export class VaultClients {
  readonly #deps: ClientDeps
  readonly #clients = new Map<string, Client>()

  constructor(deps: ClientDeps) {
    this.#deps = deps
  }

  /** Failures: ENDPOINT_NOT_ALLOWED, STORE_INVALID, and those of reading the CA bundle. */
  async session(store: TokenStore): Promise<Result<VaultSession>> {
    const { backend } = store
    if (backend.type !== 'vault') throw new Error('a store of another type was handed to the Vault adapter')
    const url = new URL(backend.address)
    if (url.protocol !== 'https:' && !this.#deps.policy.allowPlainHttp) {
      return failed(failure('ENDPOINT_NOT_ALLOWED', `spec.vault.address of ${storeText(store)} is not an https URL.`))
    }
    const ca = await this.#trustAnchors(store, backend)
    if (!ca.ok) return ca
    const client = this.#client(store, backend, url, ca.value)
    client.lastUsedMs = this.#deps.clock.monotonicMs()
    this.#closeUnused()
    return ok(client.session)
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()]
    this.#clients.clear()
    await Promise.all(clients.map(closeClient))
  }

  #client(store: TokenStore, backend: VaultBackend, url: URL, ca: string | undefined): Client {
    const name = storeText(store)
    const madeFrom = JSON.stringify([store.generation, backend, ca])
    const known = this.#clients.get(name)
    // The order of the map is the order of use.
    this.#clients.delete(name)
    if (known !== undefined && known.madeFrom !== madeFrom) void closeClient(known)
    const client = known?.madeFrom === madeFrom ? known : this.#open(store, backend, { url, ca, madeFrom })
    this.#clients.set(name, client)
    return client
  }

  #open(
    store: TokenStore,
    backend: VaultBackend,
    { url, ca, madeFrom }: { url: URL; ca: string | undefined; madeFrom: string },
  ): Client {
    const { clock, policy, timeoutMs = defaultTimeoutMs } = this.#deps
    const allowPrivateAddresses = store.namespace === undefined || policy.allowPrivateAddresses
    const address = { url, allowPrivateAddresses, ...(ca === undefined ? {} : { ca }) }
    const connection = new VaultConnection(address, { clock, timeoutMs })
    const session = new VaultSession(store, backend, connection, this.#deps)
    return { madeFrom, ca, session, connection, lastUsedMs: clock.monotonicMs() }
  }

  async #trustAnchors(store: TokenStore, { tls }: VaultBackend): Promise<Result<string | undefined>> {
    const bundle =
      tls.caBundleSecretRef === undefined
        ? ok(tls.caBundle)
        : await this.#deps.secrets.read(store.namespace, tls.caBundleSecretRef)
    if (!bundle.ok) return bundle
    const ca = typeof bundle.value === 'object' ? bundle.value.reveal() : bundle.value
    // What the client trusts already is not parsed for every request: that would be a good part of what a refresh costs.
    const known = ca !== undefined && this.#clients.get(storeText(store))?.ca === ca
    if (ca === undefined || known || isCertificate(ca)) return ok(ca)
    return failed(
      failure('STORE_INVALID', `The CA bundle of ${storeText(store)} (spec.vault.tls) is not a PEM certificate.`),
    )
  }

  #closeUnused(): void {
    const now = this.#deps.clock.monotonicMs()
    for (const [name, client] of this.#clients) {
      if (now - client.lastUsedMs < unusedMs && this.#clients.size <= mostClients) return
      this.#clients.delete(name)
      void closeClient(client)
    }
  }
}

async function closeClient({ session, connection }: Client): Promise<void> {
  session.close()
  await connection.close()
}

/** Without this check a bundle of anything else trusts nobody and says nothing. */
function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}
