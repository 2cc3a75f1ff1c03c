import { watchForLeak } from '../support/canary.ts'
import type { Cluster } from './kube-apiserver.ts'
import { OperatorProcess } from './operator-process.ts'

export interface ReleaseOptions {
  readonly name: string
  readonly namespace: string
  /** Behind those that the chart renders. */
  readonly flags?: readonly string[]
}

interface PodSpec {
  readonly serviceAccountName: string
  readonly containers: readonly { readonly args: readonly string[] }[]
}

/** What the cluster decides for the process here: where it listens and where its files are. */
const placed = /^(controller$|--(namespace|journal|metrics-address|health-address|log-level)=)/

/**
 * Does what kubelet would for one Pod of an installed release: an operator with the arguments of its Deployment,
 * logged in as its ServiceAccount, beside a Pod object that stands for it.
 * @throws with the end of its log when it does not become ready.
 */
export async function startRelease(
  cluster: Cluster,
  { name, namespace, flags = [] }: ReleaseOptions,
): Promise<OperatorProcess> {
  const text = await cluster.kubectlOrThrow(['get', 'deployment', name, '-n', namespace, '-o', 'json'])
  const { spec } = (JSON.parse(text) as { readonly spec: { readonly template: { readonly spec: PodSpec } } }).spec
    .template
  const metadata = { name: 'operator-0', namespace }
  const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec })
  const uid = ['-o', 'jsonpath={.metadata.uid}']
  const podUid = (await cluster.kubectlOrThrow(['apply', '-f', '-', ...uid], pod)).trim()
  const token = watchForLeak(await cluster.serviceAccountToken(namespace, spec.serviceAccountName))
  const rendered = (spec.containers[0]?.args ?? []).filter((argument) => !placed.test(argument))
  return OperatorProcess.start({
    login: { kubeconfig: cluster.writeKubeconfig('release', token) },
    namespace,
    identity: metadata.name,
    flags: [...rendered, ...flags],
    pod: { name: metadata.name, uid: podUid },
  })
}
