import type { CredentialKey } from '../../domain/credential.ts'
import { apiGroup, apiVersion } from '../../domain/names.ts'

/** RFC 1123 subdomain, the form of the names that manifests can refer to. Anything else could leave its place in a path. */
export function isObjectName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)
}

export function secretPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`
}

/** `Secret ci/claude-token`, for messages. */
export function secretText(namespace: string, name: string): string {
  return `Secret ${namespace}/${name}`
}

export function credentialPath({ namespace, name }: CredentialKey): string {
  const inNamespace = `namespaces/${encodeURIComponent(namespace)}/oauthcredentials/${encodeURIComponent(name)}`
  return `/apis/${apiGroup}/${apiVersion}/${inNamespace}`
}

export function podsPath(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`
}

export function podPath(namespace: string, name: string): string {
  return `${podsPath(namespace)}/${encodeURIComponent(name)}`
}

export function eventsPath(namespace: string): string {
  return `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`
}

export function tokenRequestPath(namespace: string, serviceAccount: string): string {
  const account = encodeURIComponent(serviceAccount)
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${account}/token`
}
