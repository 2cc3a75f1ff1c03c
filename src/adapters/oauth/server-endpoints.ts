import { failure } from '../../domain/failures.ts'
import { type Provider, providerText } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Grant } from '../../ports/token-endpoint.ts'
import { type AddressPolicy, type Endpoint, endpointAt } from './endpoint.ts'
import type { MetadataCache } from './metadata-cache.ts'
import { noOrigin, originOf, type ServerMetadata } from './server-metadata.ts'

/** An endpoint that is shown access tokens, and the one that they came from. */
export interface Places {
  readonly endpoint: Endpoint
  readonly token: Endpoint
}

interface Shown {
  readonly what: string
  readonly which: keyof ServerMetadata
  /** In the manifest. */
  readonly named: string | undefined
}

const names: Readonly<Record<keyof ServerMetadata, string>> = {
  tokenEndpoint: 'token endpoint',
  introspectionEndpoint: 'introspection endpoint',
  revocationEndpoint: 'revocation endpoint',
}

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
  introspection(provider: Provider): Promise<Result<Places>> {
    const what = introspectionEndpointText(provider)
    return this.#shown(provider, { what, which: 'introspectionEndpoint', named: provider.introspection?.endpoint })
  }

  /** As {@link ServerEndpoints.introspection}, for ending access tokens. */
  revocation(provider: Provider): Promise<Result<Places>> {
    const what = revocationEndpointText(provider)
    return this.#shown(provider, { what, which: 'revocationEndpoint', named: provider.revocationEndpoint })
  }

  async #shown(provider: Provider, { what, which, named }: Shown): Promise<Result<Places>> {
    const token = await this.token(provider, 'client_credentials')
    if (!token.ok) return token
    const url = named === undefined ? await this.#fromMetadata(provider, which) : ok(named)
    if (!url.ok) return url
    const stranger = strangerTo(originOf(url.value), provider, token.value)
    if (stranger !== undefined) {
      const problem = `The ${what} is at ${originOf(url.value)}, and its ${stranger}; they have to be at one origin.`
      return failed(failure('ENDPOINT_NOT_ALLOWED', problem))
    }
    const endpoint = endpointAt(url.value, what, this.#policy)
    return endpoint.ok ? ok({ endpoint: endpoint.value, token: token.value }) : endpoint
  }

  async #fromMetadata(provider: Provider, which: keyof ServerMetadata): Promise<Result<string>> {
    const { issuer } = provider
    const name = names[which]
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

export function revocationEndpointText(provider: Provider): string {
  return `revocation endpoint of ${providerText(provider)}`
}
