import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { parse } from 'yaml'
import { observeOutput, watchForLeak } from '../support/canary.ts'
import { changed, type Manifest } from '../support/manifests.ts'
import { type Cluster, type ClusterOptions, startCluster } from './kube-apiserver.ts'
import {
  type ClusterLogin,
  type OperatorOptions,
  OperatorProcess,
  type PodLogin,
  type PodNames,
} from './operator-process.ts'
import { operatorRights } from './operator-rights.ts'
import { ServerHome } from './server-home.ts'

export const operatorNamespace = 'oauth-credential-operator'
export const operatorAccount = 'oauth-credential-operator'

const podsPath = `/api/v1/namespaces/${operatorNamespace}/pods`
const repository = fileURLToPath(new URL('../..', import.meta.url))

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** An OAuthCredential as the API server has it. */
export interface CredentialObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly finalizers?: readonly string[] }
  readonly status?: {
    readonly conditions?: readonly Condition[]
    readonly refreshes?: number
    readonly accessTokenExpirationTime?: string
    readonly nextRefreshTime?: string
    readonly lastFailure?: { readonly code: string; readonly message: string }
  }
}

export interface SecretObject {
  readonly metadata: {
    readonly resourceVersion: string
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[]
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly type: string
  /** As text. */
  readonly data: Readonly<Record<string, string>>
}

export interface EventObject {
  readonly type: string
  readonly reason: string
  readonly note: string
  readonly regarding: { readonly name: string; readonly namespace: string }
}

/** Something that people can read. */
export interface Observation {
  readonly source: string
  readonly text: string
}

/** A cluster with our kinds and the rights of the operator, and what people do there. */
export class OperatorBed {
  readonly cluster: Cluster
  /** Both log in as the ServiceAccount of the operator, with exactly the rights that it needs. */
  readonly kubeconfig: ClusterLogin
  readonly pod: PodLogin
  readonly #home: ServerHome
  readonly #operators: OperatorProcess[] = []

  private constructor(cluster: Cluster, token: string) {
    this.cluster = cluster
    this.#home = new ServerHome('bed')
    this.kubeconfig = { kubeconfig: cluster.writeKubeconfig('operator', token) }
    this.pod = { serviceAccountDirectory: this.#mount(token), apiServer: cluster.url }
  }

  static async start(options: ClusterOptions = {}): Promise<OperatorBed> {
    const cluster = await startCluster(options)
    const crds = join(repository, 'deploy', 'crds')
    await cluster.kubectlOrThrow(['apply', '--server-side', '-f', crds])
    await cluster.kubectlOrThrow(['create', 'namespace', operatorNamespace])
    const rights = JSON.stringify(operatorRights(operatorNamespace, operatorAccount))
    await cluster.kubectlOrThrow(['apply', '-f', '-'], rights)
    await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=30s', '-f', crds])
    const token = watchForLeak(await cluster.serviceAccountToken(operatorNamespace, operatorAccount))
    return new OperatorBed(cluster, token)
  }

  /** Starts a replica outside of a Pod; it is ended with the bed. */
  operator(login: ClusterLogin, flags: readonly string[], identity = 'operator-0'): Promise<OperatorProcess> {
    return this.#start({ login, flags, identity, namespace: operatorNamespace })
  }

  /** Starts a replica that a Pod object of the same name stands for. */
  async replica(login: ClusterLogin, flags: readonly string[], identity: string): Promise<OperatorProcess> {
    const pod = await this.createPod(identity)
    return this.#start({ login, flags, identity, namespace: operatorNamespace, pod })
  }

  async #start(options: OperatorOptions): Promise<OperatorProcess> {
    const operator = await OperatorProcess.start(options)
    this.#operators.push(operator)
    return operator
  }

  /** As a Pod that reaches the API server at another address. */
  podAt(apiServer: string): ClusterLogin {
    return { ...this.pod, apiServer }
  }

  /** Asks for a refresh now, as a user does. */
  async requestRefresh(namespace: string, name: string): Promise<void> {
    const request = `oauth-operator.dev/refresh-requested-at=${new Date().toISOString()}`
    await this.cluster.kubectlOrThrow(['annotate', '--overwrite', '-n', namespace, 'oac', name, request])
  }

  /** An object alone: there is no kubelet. */
  async createPod(name: string): Promise<PodNames> {
    const metadata = { name, namespace: operatorNamespace }
    const spec = { containers: [{ name: 'operator', image: 'oauth-credential-operator' }] }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec }
    const { status, json, text } = await this.cluster.request('POST', podsPath, pod)
    if (status !== 201) throw new Error(`the Pod ${name} was not made: ${status} ${text}`)
    return { name, uid: (json['metadata'] as { readonly uid: string }).uid }
  }

  /** As the control plane does once the containers of a Pod have ended for good. */
  async deletePod(name: string): Promise<void> {
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 }
    const { status, text } = await this.cluster.request('DELETE', `${podsPath}/${name}`, options)
    if (status !== 200) throw new Error(`the Pod ${name} was not deleted: ${status} ${text}`)
  }

  /** `kubectl apply`, as a user does it. */
  async apply(...manifests: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: manifests }
    await this.cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(list))
  }

  async createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
  }

  async createSecret(namespace: string, name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData }
    const { status, text } = await this.cluster.request('POST', `/api/v1/namespaces/${namespace}/secrets`, secret)
    if (status !== 201) throw new Error(`the Secret ${namespace}/${name} was not made: ${status} ${text}`)
  }

  /** @returns undefined when there is none. */
  async secret(namespace: string, name: string): Promise<SecretObject | undefined> {
    const { status, json } = await this.cluster.request('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`)
    if (status !== 200) return undefined
    const secret = json as unknown as SecretObject
    const data = Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()])
    return { ...secret, data: Object.fromEntries(data) as Record<string, string> }
  }

  async credential(namespace: string, name: string): Promise<CredentialObject> {
    const path = `/apis/oauth-operator.dev/v1alpha1/namespaces/${namespace}/oauthcredentials/${name}`
    const { status, text, json } = await this.cluster.request('GET', path)
    observeOutput(`OAuthCredential ${namespace}/${name}`, text)
    if (status !== 200) throw new Error(`OAuthCredential ${namespace}/${name} was not there: ${status}`)
    return json as unknown as CredentialObject
  }

  /** @returns the condition once it is there, and true. */
  async condition(namespace: string, name: string, type: string, withinMs = 15_000): Promise<Condition> {
    return vi.waitFor(
      async () => {
        const { status } = await this.credential(namespace, name)
        const found = status?.conditions?.find((condition) => condition.type === type)
        if (found?.status === 'True') return found
        throw new Error(`${type} of OAuthCredential ${namespace}/${name}: ${JSON.stringify(status?.conditions)}`)
      },
      { timeout: withinMs, interval: 100 },
    )
  }

  /** Events about one credential, in no order. */
  async events(namespace: string, name: string): Promise<readonly EventObject[]> {
    const { json, text } = await this.cluster.request('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`)
    observeOutput(`events in ${namespace}`, text)
    return (json['items'] as readonly EventObject[]).filter(({ regarding }) => regarding.name === name)
  }

  /** Shows the leak scan all that anybody could read with kubectl, with /metrics, or in the log, and returns it. */
  async observeEverything(): Promise<readonly Observation[]> {
    const seen: Observation[] = []
    const kinds = 'events,leases,oauthcredentials,oauthproviders,clusteroauthproviders,tokenstores,clustertokenstores'
    const { stdout, stderr } = await this.cluster.kubectl(['get', kinds, '-A', '-o', 'json', '--show-managed-fields'])
    seen.push({ source: 'what kubectl gets', text: stdout + stderr })
    for (const operator of this.#operators) {
      await operator.metrics().catch(() => undefined) // which a process that has ended does not answer
      seen.push({ source: `the whole log of ${operator.identity}`, text: operator.output })
    }
    for (const { source, text } of seen) observeOutput(source, text)
    return seen
  }

  async stop(): Promise<void> {
    await Promise.all(this.#operators.map((operator) => operator.remove()))
    await this.#home.remove()
    await this.cluster.stop()
  }

  /** Files as kubelet mounts them. */
  #mount(token: string): string {
    const directory = this.#home.path('serviceaccount')
    mkdirSync(directory)
    writeFileSync(join(directory, 'token'), token, { mode: 0o600 })
    writeFileSync(join(directory, 'ca.crt'), this.cluster.caPem)
    writeFileSync(join(directory, 'namespace'), operatorNamespace)
    return directory
  }
}

/** A manifest of examples/, such as `vault/credential.yaml`, put into a namespace unless its kind is the cluster's. */
export function exampleManifest(file: string, namespace?: string): Manifest {
  const manifest = parse(readFileSync(join(repository, 'examples', file), 'utf8')) as Manifest
  return namespace === undefined ? manifest : { ...manifest, metadata: { ...manifest.metadata, namespace } }
}

/** A manifest with other values at paths below `spec`; undefined takes the member out. */
export function respecified(manifest: Manifest, changes: Readonly<Record<string, unknown>>): Manifest {
  let made = manifest
  for (const [path, value] of Object.entries(changes)) made = changed(made, `spec.${path}`, value)
  return made
}

export function manifestOf(kind: string, namespace: string, name: string, spec: Manifest['spec']): Manifest {
  return { apiVersion: 'oauth-operator.dev/v1alpha1', kind, metadata: { name, namespace }, spec }
}
