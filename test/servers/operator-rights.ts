import { apiGroup } from '../../src/domain/names.ts'

const kinds = ['oauthcredentials', 'oauthproviders', 'clusteroauthproviders', 'tokenstores', 'clustertokenstores']

/** What the operator needs everywhere, and no more. */
const clusterRules = [
  { apiGroups: [apiGroup], resources: kinds, verbs: ['list', 'watch'] },
  { apiGroups: [apiGroup], resources: ['oauthcredentials'], verbs: ['get', 'patch'] },
  { apiGroups: [apiGroup], resources: ['oauthcredentials/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] },
  // Its uid says which cluster this is.
  { apiGroups: [''], resources: ['namespaces'], resourceNames: ['kube-system'], verbs: ['get'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
]

/** What it needs in its own namespace. */
const ownRules = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
  // Refresh records, and the key that seals their tokens. Listed and watched to find the records of credentials that
  // are gone.
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
  // Whether the holder of an intent still exists.
  { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
]

/** RBAC objects that let a ServiceAccount be the operator. */
export function operatorRights(namespace: string, serviceAccount: string): object {
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const name = 'oauth-credential-operator'
  const subjects = [{ kind: 'ServiceAccount', namespace, name: serviceAccount }]
  const roleRef = (kind: string): object => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
  const items = [
    { apiVersion, kind: 'ClusterRole', metadata: { name }, rules: clusterRules },
    { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: roleRef('ClusterRole'), subjects },
    { apiVersion, kind: 'Role', metadata: { name, namespace }, rules: ownRules },
    { apiVersion, kind: 'RoleBinding', metadata: { name, namespace }, roleRef: roleRef('Role'), subjects },
  ]
  return { apiVersion: 'v1', kind: 'List', items }
}
