import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startCluster } from './kube-apiserver.ts'
import type { Cluster } from './kube-apiserver.ts'
import { pinsDirectory } from './recipe.ts'
import { serverPath } from './server-source.ts'

const crdDirectory = join(pinsDirectory, '..', '..', 'deploy', 'crds')

/** `npm run cluster`: a Kubernetes API with our kinds to try things on, until Ctrl-C. */
async function main(): Promise<void> {
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
  })
  const cluster = await startCluster()
  try {
    await applyCrds(cluster)
    printUsage(cluster)
    await untilStopped(cluster, stopped)
  } finally {
    await cluster.stop()
  }
}

async function applyCrds(cluster: Cluster): Promise<void> {
  const files = existsSync(crdDirectory) ? readdirSync(crdDirectory).filter((name) => name.endsWith('.yaml')) : []
  if (files.length === 0) return
  // Server-side, because a client-side apply keeps a copy in an annotation, which large schemas do not fit into.
  const names = files.flatMap((name) => ['-f', join(crdDirectory, name)])
  console.log((await cluster.kubectlOrThrow(['apply', '--server-side', ...names])).trim())
  await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=30s', ...names])
}

function printUsage(cluster: Cluster): void {
  console.log(`kubeconfig: ${cluster.adminKubeconfig}`)
  console.log(`  export KUBECONFIG=${cluster.adminKubeconfig}`)
  console.log(`  ${serverPath('kubectl')} get crds`)
  console.log('etcd and kube-apiserver only: no controller runs, so no pods. Ctrl-C stops and removes everything.')
}

async function untilStopped(cluster: Cluster, stopped: Promise<NodeJS.Signals>): Promise<void> {
  let watch: NodeJS.Timeout | undefined
  const died = new Promise<never>((_, reject) => {
    watch = setInterval(() => {
      if (!cluster.isRunning()) reject(new Error(`the cluster died; the end of its log:\n${cluster.apiServerLog()}`))
    }, 1000)
  })
  await Promise.race([stopped, died]).finally(() => clearInterval(watch))
}

await main().catch((error: unknown) => {
  console.error((error as Error).message)
  process.exitCode = 1
})
