/** What a target may say that it holds. Others mean a login of the cluster itself, which must not come out of a spec. */
export const secretTypes = ['Opaque', 'kubernetes.io/dockerconfigjson', 'kubernetes.io/basic-auth'] as const

export type SecretType = (typeof secretTypes)[number]
