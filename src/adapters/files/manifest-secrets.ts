import { failure } from '../../domain/failures.ts'
import type { SecretKeyRef } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { SecretReader, ServiceAccountTokens } from '../../ports/secret-reader.ts'

/** The Secrets of a manifest directory: namespace and name to data, decoded. */
export type ManifestSecrets = ReadonlyMap<string, ReadonlyMap<string, Sensitive>>

/** Where names of cluster-scoped kinds resolve when there is no cluster. */
export const defaultNamespace = 'default'

export function secretKey(namespace: string, name: string): string {
  return `${namespace}/${name}`
}

/** Reads from `Secret` manifests, as they are at the moment. */
export class ManifestSecretReader implements SecretReader {
  readonly #secrets: () => ManifestSecrets

  constructor(secrets: () => ManifestSecrets) {
    this.#secrets = secrets
  }

  read(namespace: string | undefined, { name, key }: SecretKeyRef): Promise<Result<Sensitive>> {
    const place = secretKey(namespace ?? defaultNamespace, name)
    const data = this.#secrets().get(place)
    const value = data?.get(key)
    if (value !== undefined) return Promise.resolve(ok(value))
    const what =
      data === undefined
        ? `There is no manifest of Secret ${place}.`
        : `The manifest of Secret ${place} has no key "${key}".`
    return Promise.resolve(failed(failure('CLIENT_SECRET_UNAVAILABLE', what)))
  }

  /** Nothing is kept beyond the manifests themselves. */
  forget(): void {}
}

/** ServiceAccounts where there is no cluster: none. */
export class NoServiceAccounts implements ServiceAccountTokens {
  token(namespace: string | undefined, serviceAccount?: { readonly name: string }): Promise<Result<Sensitive>> {
    const who =
      serviceAccount === undefined ? 'the operator' : `${namespace ?? defaultNamespace}/${serviceAccount.name}`
    const what = `There is no token of a ServiceAccount for ${who}, because there is no cluster.`
    return Promise.resolve(failed(failure('STORE_LOGIN_REJECTED', what)))
  }
}

/** The data of one `Secret` manifest. `stringData` wins over `data`, as on the API server. */
export function secretData(manifest: Readonly<Record<string, unknown>>): ReadonlyMap<string, Sensitive> {
  const encoded = textEntries(manifest['data']).map(
    ([key, value]) => [key, Buffer.from(value, 'base64').toString()] as const,
  )
  const values = [...encoded, ...textEntries(manifest['stringData'])]
  return new Map(values.map(([key, value]) => [key, new Sensitive(value.replace(/\r?\n$/, ''))]))
}

function textEntries(map: unknown): readonly (readonly [string, string])[] {
  if (typeof map !== 'object' || map === null) return []
  return Object.entries(map).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
}
