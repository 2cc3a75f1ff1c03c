import type { KubeClient, KubeOutcome, KubeRequest } from '../../src/adapters/kubernetes/kube-client.ts'
import { KubernetesSecretStore } from '../../src/adapters/kubernetes/secret-store.ts'
import type { StoreHarness } from '../contract/refresh-token-store.ts'
import { type ApiHands, freshName } from './api-hands.ts'
import { aStore } from './builders.ts'
import { refused, unanswered } from './fake-kube-client.ts'

const denial = (verb: string): KubeOutcome =>
  refused(
    403,
    'Forbidden',
    `secrets "x" is forbidden: User "operator" cannot ${verb} resource "secrets" in API group ""`,
  )

/** A store of Secrets for the contract suite; what a server does not do on demand is done between it and the store. */
export function secretStoreHarness(hands: ApiHands): StoreHarness {
  const faults = new FaultyClient(hands.operator)
  return {
    store: new KubernetesSecretStore(faults),
    location: (key, property) => ({
      store: aStore(),
      namespace: hands.namespace,
      key,
      ...(property === undefined ? {} : { property }),
    }),
    freshKey: () => freshName('document'),
    put: async (key, text) => {
      const data = JSON.parse(text) as Record<string, string>
      if (await hands.secretExists(key)) await hands.editData(key, data)
      else await hands.createSecret(key, { data })
    },
    get: async (key) => JSON.stringify(await hands.data(key)),
    versions: () => Promise.resolve(faults.writesTaken),
    forbid: () => faults.answer(() => denial('get')),
    forbidWriting: () => faults.answer(({ method }) => (method === 'GET' ? undefined : denial('patch'))),
    takeDown: () => faults.answer(() => unanswered('ECONNREFUSED', false)),
    loseNextWriteAnswer: () => faults.loseNextWrite(false),
    takeDownAfterNextWrite: () => faults.loseNextWrite(true),
    bringUp: () => faults.answer(undefined),
  }
}

/** Undefined: the server's own answer. */
type Answer = (request: KubeRequest) => KubeOutcome | undefined

class FaultyClient implements KubeClient {
  readonly #inner: KubeClient
  #answer: Answer | undefined
  #losing: { readonly thenDown: boolean } | undefined
  /** Writes that the server took. A resource version counts nothing: it is the server's, not the object's. */
  writesTaken = 0

  constructor(inner: KubeClient) {
    this.#inner = inner
  }

  answer(instead: Answer | undefined): Promise<void> {
    this.#answer = instead
    return Promise.resolve()
  }

  loseNextWrite(thenDown: boolean): Promise<void> {
    this.#losing = { thenDown }
    return Promise.resolve()
  }

  async request(request: KubeRequest): Promise<KubeOutcome> {
    const instead = this.#answer?.(request)
    if (instead !== undefined) return instead
    const outcome = await this.#inner.request(request)
    if (request.method === 'GET') return outcome
    if (outcome.ok && request.query?.['dryRun'] === undefined) this.writesTaken += 1
    const losing = this.#losing
    if (losing === undefined) return outcome
    this.#losing = undefined
    if (losing.thenDown) this.#answer = () => unanswered('Timeout', false)
    return unanswered('Timeout', true)
  }

  watch: KubeClient['watch'] = (request, onEvent, signal) => this.#inner.watch(request, onEvent, signal)
}
