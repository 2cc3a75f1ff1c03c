import { failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Grant } from '../../ports/token-endpoint.ts'
import { type AddressPolicy, type Endpoint, endpointAt } from './endpoint.ts'
import type { MetadataCache } from './metadata-cache.ts'
import { noOrigin, originOf, type ServerMetadata } from './server-metadata.ts'

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
   * At the origin of the token endpoint, and of the refresh endpoint if there is one, which is where the access token
   * came from: nobody else is shown it.
   *
   * Failures: as of {@link ServerEndpoints.token}.
   */
  async introspection(provider: Provider): Promise<Result<{ readonly endpoint: Endpoint; readonly token: Endpoint }>> {
    const token = await this.token(provider, 'client_credentials')
    if (!token.ok) return token
    const named = provider.introspection?.endpoint
    const url = named === undefined ? await this.#fromMetadata(provider, 'introspectionEndpoint') : ok(named)
    if (!url.ok) return url
    const stranger = strangerTo(originOf(url.value), provider, token.value)
    if (stranger !== undefined) {
      const what = `The ${introspectionEndpointText(provider)} is at ${originOf(url.value)}, and its ${stranger}; they have to be at one origin.`
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
    // What they name is not told: it is as long as the server likes, and says what the server likes.
    const place = to === noOrigin ? noOrigin : 'another origin'
    const what = `${whose}, which is at ${from}, name the ${name} at ${place}; one that is not at the issuer's has to stand in the provider itself.`
    return failed(failure('ENDPOINT_NOT_ALLOWED', what))
  }
}

/** Which endpoint that issues access tokens is not at this origin, and where it is; undefined when all are. */
function strangerTo(origin: string, { refreshEndpoint }: Provider, token: Endpoint): string | undefined {
  const from = originOf(token.url)
  if (from !== origin) return `token endpoint at ${from}`
  const refreshed = refreshEndpoint === undefined ? origin : originOf(refreshEndpoint)
  return refreshed === origin ? undefined : `refresh endpoint at ${refreshed}`
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
