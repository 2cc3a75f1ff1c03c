/** The API group of all our kinds. */
export const apiGroup = 'oauth-operator.dev'

/** The one served and stored version. */
export const apiVersion = 'v1alpha1'

/** `apiVersion` as manifests write it. */
export const groupVersion = `${apiGroup}/${apiVersion}` as const

/** Field manager of every server-side apply. */
export const fieldManager = 'oauth-credential-operator'

/** On credentials whose target nothing else would clean up. */
export const finalizerName = `${apiGroup}/target-cleanup` as const

/** Names of annotations that people set. */
export const requestAnnotations = {
  /** On a credential: refresh now. Any value that differs from `status.lastHandledRefreshRequest`. */
  refreshRequestedAt: `${apiGroup}/refresh-requested-at`,
  /** On a credential: take the refresh token over from its owner. Any value that differs from `status.lastHandledOwnershipRequest`. */
  takeOwnershipRequestedAt: `${apiGroup}/take-ownership-requested-at`,
  /** On a credential: the scheme, host and port that its refresh token may be sent to although it was sent elsewhere before. */
  allowTokenOrigin: `${apiGroup}/allow-token-origin`,
  /** On a foreign Secret: `"true"` lets a credential take it over as its target. */
  adopt: `${apiGroup}/adopt`,
} as const

/** Names of labels on targets. */
export const targetLabels = {
  /** Always {@link fieldManager}. */
  managedBy: 'app.kubernetes.io/managed-by',
  credentialUid: `${apiGroup}/credential-uid`,
} as const

/** Names of annotations on targets. None of their values is secret. */
export const targetAnnotations = {
  /** `namespace/name` of the credential. */
  credential: `${apiGroup}/credential`,
  /** Start of the request that issued the published access token, RFC 3339. */
  issuedAt: `${apiGroup}/issued-at`,
  /** Expiry of the published access token, RFC 3339. */
  expiresAt: `${apiGroup}/expires-at`,
  /** Identifies name, outputs and policy as published. */
  outputsDigest: `${apiGroup}/outputs-digest`,
  /** Tells whose the published access token is: its server, client and login. */
  mark: `${apiGroup}/token-mark`,
  /** Expiry of the access token before the published one, while that is there too, RFC 3339. */
  previousExpiresAt: `${apiGroup}/previous-expires-at`,
} as const

/** Names of annotations on those who read targets. None of their values is secret. */
export const consumerAnnotations = {
  /** On a pod: when the target that it mounts was last written, RFC 3339. */
  tokenPublishedAt: `${apiGroup}/token-published-at`,
  /** On the pod template of a workload, or on a Rollout: for which publications it was restarted, `credential@publication` each. */
  restartedFor: `${apiGroup}/restarted-for`,
  /** Beside it: when the operator restarted it last, RFC 3339. */
  restartedAt: `${apiGroup}/restarted-at`,
} as const
