/** What the operator's flags allow connections to. */
export interface ConnectionPolicy {
  readonly allowPlainHttp: boolean
  /** For addresses in namespaced manifests; what cluster-scoped ones name is the platform team's choice. */
  readonly allowPrivateAddresses: boolean
}

/** Whether a namespaced store that names no credentials of its own may use the operator's identity. */
export type AmbientCredentials = 'cluster-stores-only' | 'all'
