import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { ServiceAccountRef } from '../../domain/token-store.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ServiceAccountTokens } from '../../ports/secret-reader.ts'
import { isApiAudience } from './api-audiences.ts'
import { classifyKubeError, clusterCodes, problemOf } from './classify.ts'
import type { KubeClient } from './kube-client.ts'
import { isObjectName, tokenRequestPath } from './object-paths.ts'
import { IssuedServiceAccountToken } from './schema.ts'

/** Seconds of life asked for; the API server may give more or less. */
const wantedLife = 3600

/** A token is handed out for this share of its life, so that a login with it never meets its end. */
const usedShare = 0.8

export interface KubernetesServiceAccountTokensOptions {
  readonly client: KubeClient
  readonly clock: Clock
  /** Where ServiceAccounts named in cluster-scoped kinds are. */
  readonly operatorNamespace: string
  /** Reads the mounted token of the operator's own ServiceAccount; rejects when there is none. */
  readonly readOwnToken: () => Promise<string>
}

interface IssuedToken {
  readonly token: Sensitive
  readonly untilMs: number
}

/**
 * Tokens of ServiceAccounts through the TokenRequest API; the operator's own from its mounted file.
 *
 * A token goes to the address that a store names. So a `TokenStore`, which anybody in its namespace may
 * write, never gets the operator's own token, nor one that the API server itself would accept: those
 * fail with STORE_LOGIN_REJECTED.
 *
 * Needs `create` on `serviceaccounts/token` of the named ServiceAccounts.
 */
export class KubernetesServiceAccountTokens implements ServiceAccountTokens {
  readonly #options: KubernetesServiceAccountTokensOptions
  readonly #issued = new Map<string, IssuedToken>()
  readonly #requests = new Map<string, Promise<Result<Sensitive>>>()

  constructor(options: KubernetesServiceAccountTokensOptions) {
    this.#options = options
  }

  async token(namespace: string | undefined, serviceAccount?: ServiceAccountRef): Promise<Result<Sensitive>> {
    if (serviceAccount === undefined) return this.#own(namespace)
    const { clock, operatorNamespace } = this.#options
    const id = JSON.stringify([namespace ?? operatorNamespace, serviceAccount.name, ...serviceAccount.audiences])
    const refusal = namespace === undefined ? undefined : await this.#refusal(namespace, serviceAccount)
    if (refusal !== undefined) return refusal
    const issued = this.#issued.get(id)
    if (issued !== undefined && clock.monotonicMs() < issued.untilMs) return ok(issued.token)
    const under = this.#requests.get(id)
    if (under !== undefined) return under
    const request = this.#request(id, namespace ?? operatorNamespace, serviceAccount).finally(() =>
      this.#requests.delete(id),
    )
    this.#requests.set(id, request)
    return request
  }

  async #own(namespace: string | undefined): Promise<Result<Sensitive>> {
    if (namespace !== undefined) {
      return rejected(
        `A TokenStore in the namespace ${namespace} names no serviceAccount, and only a ClusterTokenStore may use the operator's own token.`,
      )
    }
    const token = await this.#readOwnToken()
    if (token !== undefined) return ok(token)
    return rejected("The token of the operator's own ServiceAccount could not be read from its mounted file.")
  }

  async #refusal(namespace: string, { name, audiences }: ServiceAccountRef): Promise<Result<never> | undefined> {
    const text = `ServiceAccount ${namespace}/${name}`
    if (audiences.length === 0) {
      return rejected(`No audience is given for the token of ${text}, so it would be a login at the Kubernetes API.`)
    }
    const own = await this.#readOwnToken()
    const forApi = audiences.some((audience) => isApiAudience(audience, own))
    return forApi ? rejected(`An audience given for the token of ${text} is that of the Kubernetes API.`) : undefined
  }

  async #request(id: string, namespace: string, { name, audiences }: ServiceAccountRef): Promise<Result<Sensitive>> {
    const text = `ServiceAccount ${namespace}/${name}`
    if (!isObjectName(name)) return rejected(`${text} cannot exist, because the name is not valid.`)
    const { client, clock } = this.#options
    const startedMs = clock.monotonicMs()
    const startedAt = clock.now()
    const outcome = await client.request({
      method: 'POST',
      path: tokenRequestPath(namespace, name),
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences, expirationSeconds: wantedLife },
      },
    })
    if (!outcome.ok) {
      if (problemOf(outcome.error) === 'missing') return rejected(`${text} does not exist.`)
      const what = `Requesting a token of ${text}`
      const grants = 'which the chart grants by serviceAccountTokens.enabled'
      const permission = `create serviceaccounts/token of ${name} in the namespace ${namespace}, ${grants}`
      return failed(classifyKubeError(outcome.error, { what, permission, codes: clusterCodes }))
    }
    const answer = IssuedServiceAccountToken.safeParse(outcome.body)
    if (!answer.success) return failed(failure('KUBERNETES_UNAVAILABLE', `Requesting a token of ${text} brought none.`))
    const { spec, status } = answer.data
    const life = Math.min(spec.expirationSeconds, Date.parse(status.expirationTimestamp) / 1000 - startedAt)
    const token = new Sensitive(status.token)
    this.#issued.set(id, { token, untilMs: startedMs + life * usedShare * 1000 })
    return ok(token)
  }

  async #readOwnToken(): Promise<Sensitive | undefined> {
    try {
      const token = (await this.#options.readOwnToken()).trim()
      return token === '' ? undefined : new Sensitive(token)
    } catch {
      return undefined
    }
  }
}

function rejected(what: string): Result<never> {
  return failed(failure('STORE_LOGIN_REJECTED', what))
}
