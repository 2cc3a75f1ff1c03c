import { dirname, join } from 'node:path'
import { type Cluster } from '../servers/kube-apiserver.ts'
import { loopback } from '../servers/loopback.ts'
import { ServerHome } from '../servers/server-home.ts'
import { ServerProcess } from '../servers/server-process.ts'
import { serverPath } from '../servers/server-source.ts'

/** Those that have to do with pods, what makes them, and what is deleted with its owner. */
const controllers = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'daemonset-controller',
  'garbage-collector-controller',
  'node-lifecycle-controller',
]

/** kube-controller-manager and kube-scheduler. @returns what ends both. */
export async function startControllers(cluster: Cluster): Promise<() => Promise<void>> {
  const home = new ServerHome('controllers')
  try {
    const directory = dirname(serverPath('node'))
    const common = [`--kubeconfig=${cluster.adminKubeconfig}`, `--bind-address=${loopback}`, '--leader-elect=false']
    const further = {
      'kube-controller-manager': [`--controllers=${controllers.join()}`],
      'kube-scheduler': [],
    }
    for (const [name, flags] of Object.entries(further)) {
      // They serve nothing that is asked for; what they do shows when they are there.
      const args = [...common, '--secure-port=0', ...flags]
      const ready = () => Promise.resolve(true)
      await ServerProcess.start({ name, home, command: join(directory, name), args, ready, readyWithinMs: 1000 })
    }
    return () => home.remove()
  } catch (error) {
    await home.remove()
    throw error
  }
}
