import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { serverPath } from './server-source.ts'

const helmLimitMs = 120_000
const outputLimit = 64 * 1024 * 1024

/**
 * Runs helm with a home of its own, so that no plugin or repository of the user takes part.
 * @returns what it printed.
 * @throws when it fails, with what it wrote to stderr in the message.
 */
export async function runHelm(home: string, args: readonly string[], kubeconfig?: string): Promise<string> {
  const { stdout } = await promisify(execFile)(serverPath('helm'), args, {
    env: {
      HOME: home,
      HELM_CACHE_HOME: `${home}/cache`,
      HELM_CONFIG_HOME: `${home}/config`,
      HELM_DATA_HOME: `${home}/data`,
      ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }),
    },
    timeout: helmLimitMs,
    maxBuffer: outputLimit,
  })
  return stdout
}
