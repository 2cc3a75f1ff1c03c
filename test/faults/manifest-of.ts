/** A manifest of one of our kinds. */
export function manifestOf(kind: string, namespace: string, name: string, spec: object): object {
  return { apiVersion: 'oauth-operator.dev/v1alpha1', kind, metadata: { name, namespace }, spec }
}
