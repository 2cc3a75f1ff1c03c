import { accessSync, constants, existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { Cluster } from '../servers/kube-apiserver.ts'
import { ServerHome } from '../servers/server-home.ts'
import { ServerProcess } from '../servers/server-process.ts'
import { serverPath } from '../servers/server-source.ts'
import { archiveImage } from './container-image.ts'
import { type NodeFiles, writeNodeFiles } from './node-files.ts'

const nodeName = 'node-0'
const readyWithinMs = 60_000
const cgroups = '/sys/fs/cgroup'

/** Something that a container read, at the moment that it saw it. */
export interface SeenValue {
  readonly at: number
  /** As it was asked for: `file:PATH` or `env:NAME`. */
  readonly what: string
  /** SHA-256 in hexadecimal, or `absent`. */
  readonly digest: string
}

/**
 * A machine of the cluster: a kubelet and a containerd of its own, in namespaces of their own for processes and mounts.
 * Whatever way it ends, its containers and its mounts end with it, and what they leave behind are empty cgroups.
 */
export class Node {
  readonly #home: ServerHome
  readonly #files: NodeFiles

  private constructor(home: ServerHome, files: NodeFiles) {
    this.#home = home
    this.#files = files
  }

  /** @throws with what is missing on this machine, or with the end of the log when the node does not become ready. */
  static async start(cluster: Cluster): Promise<Node> {
    demandPrograms()
    const home = new ServerHome('node')
    try {
      const kubelet = serverPath('node')
      await archiveImage(home.directory, join(dirname(kubelet), 'reader'))
      const files = await writeNodeFiles(home, [
        kubelet,
        `--kubeconfig=${cluster.adminKubeconfig}`,
        `--root-dir=${home.path('kubelet')}`,
        `--cert-dir=${home.path('pki')}`,
        `--hostname-override=${nodeName}`,
      ])
      await ServerProcess.start({
        name: 'kubelet',
        home,
        command: 'unshare',
        args: ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '/bin/sh', files.script],
        ready: () => isReady(cluster),
        readyWithinMs,
      })
      return new Node(home, files)
    } catch (error) {
      await home.remove()
      throw error
    }
  }

  /** Everything that containers of the pods with this name, or of those that a workload named so has made, have seen. */
  seen(namespace: string, pod: string): readonly SeenValue[] {
    const { logs } = this.#files
    const directories = existsSync(logs) ? readdirSync(logs) : []
    const own = directories.filter((name) =>
      `${name.split('_').slice(0, 2).join('_')}-`.startsWith(`${namespace}_${pod}-`),
    )
    return own.flatMap((name) => filesBelow(join(logs, name))).flatMap(valuesIn)
  }

  /** Kills kubelet, containerd and all pods, and removes what they wrote. Safe to call twice. */
  async stop(): Promise<void> {
    const { tasks } = this.#files
    const containers = existsSync(tasks) ? readdirSync(tasks) : []
    await this.#home.remove()
    removeCgroups(containers)
  }
}

/** The suite is not skipped where something is missing: it says what. */
function demandPrograms(): void {
  if (process.getuid?.() !== 0) throw new Error('a kubelet needs to be root: run this as root')
  const remedies = { containerd: 'containerd', ctr: 'containerd', runc: 'runc', unshare: 'util-linux', tar: 'tar' }
  for (const [program, debian] of Object.entries(remedies)) {
    if (!isOnPath(program)) throw new Error(`${program} is not on PATH: install the package ${debian}`)
  }
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function isReady(cluster: Cluster): Promise<boolean> {
  const { status, json } = await cluster.request('GET', `/api/v1/nodes/${nodeName}`)
  if (status !== 200) return false
  const { conditions = [] } = json['status'] as { readonly conditions?: readonly { type: string; status: string }[] }
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True')
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Lines as container runtimes write them: time, stream, whether it is whole, text. */
function valuesIn(file: string): readonly SeenValue[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.flatMap((line) => {
    const [, text] = / F (\{.*\})$/.exec(line) ?? []
    if (text === undefined) return []
    const { at, what, digest } = JSON.parse(text) as {
      readonly at: string
      readonly what: string
      readonly digest: string
    }
    return [{ at: Date.parse(at), what, digest }]
  })
}

/** Nobody is in them any more, and nobody but us has made them. */
function removeCgroups(containers: readonly string[]): void {
  const hierarchies = [cgroups, ...readdirSync(cgroups, { withFileTypes: true }).map(({ name }) => join(cgroups, name))]
  for (const parent of hierarchies.map((hierarchy) => join(hierarchy, 'k8s.io'))) {
    for (const directory of [...containers.map((name) => join(parent, name)), parent]) {
      try {
        rmdirSync(directory)
      } catch {
        // It is in another hierarchy, or there are others in it.
      }
    }
  }
}
