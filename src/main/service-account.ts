import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serviceAccountDirectory } from '../adapters/kubernetes/in-cluster-settings.ts'

/** The token of the Pod's own ServiceAccount, as it is now: kubelet replaces the file. Rejects outside a Pod. */
export function readOwnServiceAccountToken(directory?: string): Promise<string> {
  return readFile(join(directory ?? serviceAccountDirectory, 'token'), 'utf8')
}
