import { canary, watchForLeak } from '../support/canary.ts'
import type { Cluster } from './kube-apiserver.ts'
import type { Vault } from './vault.ts'

export interface AppRole {
  readonly roleId: string
  readonly secretId: string
}

/** The rights that the README tells people to give. */
export const readmePolicy = 'path "secret/data/teams/*" { capabilities = ["read", "create", "update"] }'

export async function writePolicy(vault: Vault, name: string, policy: string): Promise<void> {
  await vault.requestOrThrow('PUT', `sys/policies/acl/${name}`, { policy })
}

/** An AppRole of its own with one policy; the method is enabled if it is not yet. */
export async function makeAppRole(vault: Vault, policy: string): Promise<AppRole> {
  const role = `auth/approle/role/${policy}`
  await vault.request('POST', 'sys/auth/approle', { type: 'approle' })
  await vault.requestOrThrow('POST', role, { token_policies: policy })
  const { json: id } = await vault.requestOrThrow('GET', `${role}/role-id`)
  const { roleId, secretId } = { roleId: dataOf(id, 'role_id'), secretId: canary('secret') }
  await vault.requestOrThrow('POST', `${role}/custom-secret-id`, { secret_id: secretId })
  return { roleId, secretId }
}

/** Lets a ServiceAccount log in: Vault asks the cluster's TokenReview about the token that it is shown. */
export async function allowKubernetesLogin(
  vault: Vault,
  cluster: Cluster,
  login: { readonly role: string; readonly namespace: string; readonly account: string; readonly policy: string },
): Promise<void> {
  const reviewer = watchForLeak(await cluster.serviceAccountToken('default', 'vault-reviewer'))
  const binding = ['create', 'clusterrolebinding', 'vault-reviewer', '--clusterrole=system:auth-delegator']
  await cluster.kubectlOrThrow([...binding, '--serviceaccount=default:vault-reviewer'])
  await vault.requestOrThrow('POST', 'sys/auth/kubernetes', { type: 'kubernetes' })
  await vault.requestOrThrow('POST', 'auth/kubernetes/config', {
    kubernetes_host: cluster.url,
    kubernetes_ca_cert: cluster.caPem,
    token_reviewer_jwt: reviewer,
  })
  await vault.requestOrThrow('POST', `auth/kubernetes/role/${login.role}`, {
    bound_service_account_names: login.account,
    bound_service_account_namespaces: login.namespace,
    token_policies: login.policy,
  })
}

function dataOf(json: Readonly<Record<string, unknown>>, field: string): string {
  return (json['data'] as Readonly<Record<string, string>>)[field] ?? ''
}
