import { freePort, loopback, send } from './loopback.ts'
import { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { serverPath } from './server-source.ts'

/** A running moto server: AWS Secrets Manager's API, kept in memory. It accepts any credentials and region. */
export interface Moto {
  readonly endpoint: string
  readonly process: ServerProcess
  /** Forgets every secret. */
  reset(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts moto.
 * @throws with the end of its log when it is not ready within 60 s.
 */
export async function startMoto(): Promise<Moto> {
  const home = new ServerHome('moto')
  const port = await freePort()
  const endpoint = `http://${loopback}:${port}`
  try {
    const process = await ServerProcess.start({
      name: 'moto',
      home,
      command: serverPath('moto'),
      args: ['-H', loopback, '-p', String(port)],
      ready: async () => (await send({ url: `${endpoint}/moto-api/`, timeoutMs: 2000 })).status === 200,
      readyWithinMs: 60_000,
    })
    return { endpoint, process, reset: () => reset(endpoint), stop: () => home.remove() }
  } catch (error) {
    await home.remove()
    throw error
  }
}

async function reset(endpoint: string): Promise<void> {
  const { status, text } = await send({ url: `${endpoint}/moto-api/reset`, method: 'POST' })
  if (status !== 200) throw new Error(`moto did not reset: ${status} ${text}`)
}
