import { delimiter, join } from 'node:path'
import type { ConnectionSettingsSource } from './connection-settings.ts'
import { InClusterSettings } from './in-cluster-settings.ts'
import { KubeconfigSettings, type KubeconfigLocation } from './kubeconfig-settings.ts'

/** What decides how the API server is reached. Values, so that only the composition root reads the environment. */
export interface ConnectionChoice {
  /** `--kubeconfig` */
  readonly kubeconfig?: string | undefined
  /** `--context` */
  readonly context?: string | undefined
  /** `--service-account-directory` */
  readonly serviceAccountDirectory?: string | undefined
  readonly environment: {
    readonly KUBECONFIG?: string | undefined
    readonly HOME?: string | undefined
    readonly KUBERNETES_SERVICE_HOST?: string | undefined
    readonly KUBERNETES_SERVICE_PORT?: string | undefined
  }
}

/**
 * The flag, then `$KUBECONFIG`, then the Pod's ServiceAccount, then `~/.kube/config`: controller-runtime's order.
 * Undefined when none of them is given.
 */
export function chooseConnection(choice: ConnectionChoice): ConnectionSettingsSource | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = choice.environment
  const files = kubeconfigFiles(choice)
  if (files !== undefined) return kubeconfig(files, choice.context)
  return present(host) && present(port) ? inCluster(host, port, choice.serviceAccountDirectory) : undefined
}

/** The files that the choice falls on; undefined where it falls on a Pod's ServiceAccount, or on nothing. */
export function kubeconfigFiles({ kubeconfig: file, environment }: ConnectionChoice): readonly string[] | undefined {
  const { KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment
  if (present(file)) return [file]
  if (present(KUBECONFIG)) return KUBECONFIG.split(delimiter).filter(present)
  if (present(host) && present(port)) return undefined
  return present(HOME) ? [join(HOME, '.kube', 'config')] : undefined
}

function inCluster(host: string, port: string, directory: string | undefined): InClusterSettings {
  return new InClusterSettings({ host, port, ...(present(directory) && { directory }) })
}

function kubeconfig(files: readonly string[], context: string | undefined): KubeconfigSettings {
  const location: KubeconfigLocation = context === undefined ? { files } : { files, context }
  return new KubeconfigSettings(location)
}

function present(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
