import { failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Grant } from '../../ports/token-endpoint.ts'
import { type AddressPolicy, type Endpoint, endpointAt } from './endpoint.ts'
import type { MetadataCache } from './metadata-cache.ts'
import { originOf, type ServerMetadata } from './server-metadata.ts'

/** Where requests of a provider go: as its manifest says, else as the metadata of its issuer do. */
export class ServerEndpoints {
  readonly #policy: AddressPolicy
  readonly #metadata: MetadataCache

  constructor(policy: AddressPolicy, metadata: MetadataCache) {
    this.#policy = policy
    this.#metadata = metadata
  }

  /**
   * What metadata say must not be more than where they came from can do: they name endpoints at the issuer's own
   * origin, and others are taken from a manifest alone.
   *
   * Failures: ENDPOINT_NOT_ALLOWED, PROVIDER_INVALID, and those of fetching metadata.
   */
  async token(provider: Provider, grant: Grant['type']): Promise<Result<Endpoint>> {
    const { refreshEndpoint, tokenEndpoint } = provider
    const named = grant === 'refresh_token' ? (refreshEndpoint ?? tokenEndpoint) : tokenEndpoint
    const url = named === undefined ? await this.#fromMetadata(provider, 'tokenEndpoint') : ok(named)
    return url.ok ? endpointAt(url.value, tokenEndpointText(provider), this.#policy) : url
  }

  /**
   * At the origin of the token endpoint, which is where the access token came from: nobody else is shown it.
   *
   * Failures: as of {@link ServerEndpoints.token}.
   */
  async introspection(provider: Provider): Promise<Result<{ readonly endpoint: Endpoint; readonly token: Endpoint }>> {
    const token = await this.token(provider, 'client_credentials')
    if (!token.ok) return token
    const named = provider.introspection?.endpoint
    const url = named === undefined ? await this.#fromMetadata(provider, 'introspectionEndpoint') : ok(named)
    if (!url.ok) return url
    const [from, to] = [originOf(token.value.url), originOf(url.value)]
    if (from !== to) {
      const what = `The ${introspectionEndpointText(provider)} is at ${to}, and its token endpoint at ${from}; they have to be at one origin.`
      return failed(failure('ENDPOINT_NOT_ALLOWED', what))
    }
    const endpoint = endpointAt(url.value, introspectionEndpointText(provider), this.#policy)
    return endpoint.ok ? ok({ endpoint: endpoint.value, token: token.value }) : endpoint
  }

  async #fromMetadata(provider: Provider, which: keyof ServerMetadata): Promise<Result<string>> {
    const { issuer } = provider
    const name = which === 'tokenEndpoint' ? 'token endpoint' : 'introspection endpoint'
    if (issuer === undefined) return notNamed(`${providerText(provider)} names no ${name} and no issuer.`)
    const metadata = await this.#metadata.of(provider, issuer)
    if (!metadata.ok) return metadata
    const url = metadata.value[which]
    const whose = `The metadata of the issuer (spec.issuer) of ${providerText(provider)}`
    const [from, to] = [originOf(issuer), originOf(url ?? issuer)]
    if (url !== undefined && from === to) return ok(url)
    // Whoever mends the metadata need not wait until these are too old.
    this.#metadata.doubt(provider)
    if (url === undefined) return notNamed(`${whose} name no ${name}.`)
    const what = `${whose}, which is at ${from}, name the ${name} at ${to}; one at another origin has to stand in the provider itself.`
    return failed(failure('ENDPOINT_NOT_ALLOWED', what))
  }
}

function notNamed(what: string): Result<never> {
  return failed(failure('PROVIDER_INVALID', what))
}

export function tokenEndpointText(provider: Provider): string {
  return `token endpoint of ${providerText(provider)}`
}

export function introspectionEndpointText(provider: Provider): string {
  return `introspection endpoint of ${providerText(provider)}`
}
