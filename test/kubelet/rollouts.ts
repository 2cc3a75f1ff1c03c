import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Cluster } from '../servers/kube-apiserver.ts'
import { freePort, loopback, send } from '../servers/loopback.ts'
import { ServerHome } from '../servers/server-home.ts'
import { ServerProcess } from '../servers/server-process.ts'
import { serverPath } from '../servers/server-source.ts'

/** The kinds of Argo Rollouts, and their controller. @returns what ends it. */
export async function startRollouts(cluster: Cluster): Promise<() => Promise<void>> {
  const command = serverPath('rollouts')
  const directory = dirname(command)
  const crds = readdirSync(directory)
    .filter((name) => name.endsWith('-crd.yaml'))
    .flatMap((name) => ['-f', join(directory, name)])
  await cluster.kubectlOrThrow(['apply', '--server-side', ...crds])
  await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=30s', ...crds])
  const home = new ServerHome('rollouts')
  const [health, metrics] = [await freePort(), await freePort()]
  try {
    await ServerProcess.start({
      name: 'rollouts-controller',
      home,
      command,
      args: [
        `--kubeconfig=${cluster.adminKubeconfig}`,
        `--healthzPort=${health}`,
        `--metricsPort=${metrics}`,
        '--leader-elect=false',
      ],
      ready: async () => (await send({ url: `http://${loopback}:${health}/healthz`, timeoutMs: 1000 })).status === 200,
      readyWithinMs: 60_000,
    })
    return () => home.remove()
  } catch (error) {
    await home.remove()
    throw error
  }
}
