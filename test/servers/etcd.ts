import { freePort, loopback, send } from './loopback.ts'
import type { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { serverPath } from './server-source.ts'

export interface Etcd {
  readonly url: string
  readonly process: ServerProcess
}

/**
 * Starts a single etcd member with its data in `home`.
 * Not synced to disk: that is slow, and only a crash of the whole machine could tell.
 * @throws with the end of its log when it is not ready within 30 s.
 */
export async function startEtcd(home: ServerHome): Promise<Etcd> {
  const url = `http://${loopback}:${await freePort()}`
  const peerUrl = `http://${loopback}:${await freePort()}`
  const process = await ServerProcess.start({
    name: 'etcd',
    home,
    command: serverPath('etcd'),
    args: [
      `--data-dir=${home.path('etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    ready: async () => (await send({ url: `${url}/health`, timeoutMs: 1000 })).json['health'] === 'true',
    readyWithinMs: 30_000,
  })
  return { url, process }
}
