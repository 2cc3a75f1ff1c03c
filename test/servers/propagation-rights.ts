import { operatorAccount, operatorNamespace } from './operator-bed.ts'

const apiVersion = 'rbac.authorization.k8s.io/v1'
const name = 'propagation'

/** RBAC objects that give the operator what the chart's values of `propagation` give. */
export const propagationRights: readonly object[] = [
  {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name },
    rules: [
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'patch'] },
      { apiGroups: ['apps'], resources: ['deployments', 'statefulsets', 'daemonsets'], verbs: ['get', 'patch'] },
      { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['get', 'patch'] },
    ],
  },
  {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', namespace: operatorNamespace, name: operatorAccount }],
  },
]
