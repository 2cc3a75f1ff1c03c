import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { ConnectionSettings, ConnectionSettingsSource } from './connection-settings.ts'

/** Where kubelet mounts a Pod's ServiceAccount. */
export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface InClusterLocation {
  /** `KUBERNETES_SERVICE_HOST` */
  readonly host: string
  /** `KUBERNETES_SERVICE_PORT` */
  readonly port: string
  /** Holds `token`, `ca.crt` and `namespace`; default {@link serviceAccountDirectory}. */
  readonly directory?: string
}

/**
 * The settings of a Pod: the mounted ServiceAccount and the service's address.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export class InClusterSettings implements ConnectionSettingsSource {
  readonly #directory: string
  readonly #server: string

  constructor(location: InClusterLocation) {
    const host = isIPv6(location.host) ? `[${location.host}]` : location.host
    this.#directory = location.directory ?? serviceAccountDirectory
    this.#server = `https://${host}:${location.port}`
  }

  async read(): Promise<Result<ConnectionSettings>> {
    const [token, ca, namespace] = await Promise.all([
      this.#file('token'),
      this.#file('ca.crt'),
      this.#file('namespace'),
    ])
    if (token === undefined) return failed(unreadable(join(this.#directory, 'token')))
    if (ca === undefined) return failed(unreadable(join(this.#directory, 'ca.crt')))
    const headers = new Sensitive({ authorization: `Bearer ${token}` })
    return ok({ server: this.#server, headers, ca, ...(namespace === undefined ? {} : { namespace }) })
  }

  /** Undefined when the file is missing or empty: kubelet swaps the files, so a moment later it may be there. */
  async #file(name: string): Promise<string | undefined> {
    const text = await readFile(join(this.#directory, name), 'utf8').catch(() => '')
    return text.trim() === '' ? undefined : text.trim()
  }
}

function unreadable(file: string) {
  return failure('KUBERNETES_UNAVAILABLE', `The ServiceAccount file ${file} is missing, empty or not readable.`)
}
