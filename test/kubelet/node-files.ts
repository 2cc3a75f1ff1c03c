import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { freePort, loopback } from '../servers/loopback.ts'
import type { ServerHome } from '../servers/server-home.ts'
import { readerImage } from './container-image.ts'

/** What kubelet sets on the machine that it takes for its own. Here it writes into files that lie over these. */
const tunables = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
]

export interface NodeFiles {
  /** A script for /bin/sh that ends in the kubelet. */
  readonly script: string
  readonly socket: string
  /** Below it are the logs of the pods, as kubelet lays them out. */
  readonly logs: string
  /** Of containerd: one directory for each container that was begun. */
  readonly tasks: string
}

/** The settings of containerd and of a kubelet, each with all that it writes in the home. */
export async function writeNodeFiles(home: ServerHome, kubelet: readonly string[]): Promise<NodeFiles> {
  const socket = home.path('containerd.sock')
  const logs = home.path('pod-logs')
  // It wants to know of a network before the node is ready. Pods have that of the host, so it is never set up.
  write(home.path('cni', 'net.d', '10-none.conf'), JSON.stringify({ cniVersion: '0.4.0', name: 'none', type: 'none' }))
  write(home.path('containerd.toml'), containerdSettings(home, socket))
  const kubeletSettings = home.path('kubelet.json')
  write(kubeletSettings, JSON.stringify(await kubeletConfiguration(home, { socket, logs })))
  const script = home.path('node.sh')
  write(script, nodeScript(home, [...kubelet, `--config=${kubeletSettings}`]))
  return { script, socket, logs, tasks: home.path('state', 'io.containerd.runtime.v2.task', 'k8s.io') }
}

function containerdSettings(home: ServerHome, socket: string): string {
  const runtime = 'plugins."io.containerd.grpc.v1.cri"'
  return `
version = 2
root = "${home.path('root')}"
state = "${home.path('state')}"

[grpc]
  address = "${socket}"

[${runtime}]
  sandbox_image = "${readerImage}"
  disable_apparmor = true
  # The machine may not allow it to protect pods from the killer of processes that take too much memory.
  restrict_oom_score_adj = true

[${runtime}.cni]
  bin_dir = "${home.path('cni', 'bin')}"
  conf_dir = "${home.path('cni', 'net.d')}"
`
}

/** All that decides when it looks at Secrets is left at its default. */
async function kubeletConfiguration(
  home: ServerHome,
  { socket, logs }: Pick<NodeFiles, 'socket' | 'logs'>,
): Promise<object> {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: loopback,
    port: await freePort(),
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    // The disk of the machine may be nearly full: that is no concern of these pods.
    evictionHard: { 'nodefs.available': '0%', 'imagefs.available': '0%', 'memory.available': '0%' },
    imageGCHighThresholdPercent: 100,
    containerRuntimeEndpoint: `unix://${socket}`,
    podLogsDir: logs,
    volumePluginDir: home.path('plugins'),
  }
}

function nodeScript(home: ServerHome, kubelet: readonly string[]): string {
  const lines = tunables.flatMap((name) => {
    const [own, machine] = [home.path('tunables', name), join('/proc/sys', name)]
    write(own, readFileSync(machine, 'utf8'))
    return [`mount --bind '${own}' ${machine}`]
  })
  const containerd = `containerd --config '${home.path('containerd.toml')}' >'${home.path('containerd.log')}' 2>&1 &`
  const call = `ctr --address '${home.path('containerd.sock')}'`
  return [
    'set -e',
    ...lines,
    containerd,
    'tries=0',
    `until ${call} version >/dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 100 ] || break; sleep 0.1; done`,
    `${call} --namespace k8s.io images import '${home.path('image.tar')}'`,
    `exec ${kubelet.map((word) => `'${word}'`).join(' ')}`,
    '',
  ].join('\n')
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
