import type { Credential } from './credential.ts'
import type { Provider } from './provider.ts'
import { type LabelSelector, type LabelSelectorRequirement, storeText, type TokenStore } from './token-store.ts'

type Labels = Readonly<Record<string, string>>

/** Undefined when the credential may use its key of the store with this provider; else a sentence that says what is missing. */
export function storeAccessProblem(
  store: TokenStore,
  credential: Credential,
  provider: Provider,
  namespaceLabels: Labels | undefined,
): string | undefined {
  if (store.kind === 'TokenStore') return undefined
  const { namespace } = credential.key
  const { key } = credential.spec.refreshToken
  const labels = { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels }
  const granted = store.access.filter(
    (entry) =>
      selectorMatches(entry.namespaceSelector, labels) &&
      entry.keys.some((pattern) => keyMatches(pattern, key, namespace)),
  )
  if (granted.length === 0) {
    return `${storeText(store)} grants namespace ${namespace} no access to the key "${key}".`
  }
  if (provider.kind === 'ClusterOAuthProvider' || granted.some((entry) => entry.namespacedProviders === 'Allow')) {
    return undefined
  }
  return `${storeText(store)} does not let the key "${key}" be sent to an OAuthProvider that namespace ${namespace} wrote itself.`
}

/** Matches a key pattern: `*` is any text without `/`, `**` any text, `{namespace}` the namespace. The whole key must match. */
export function keyMatches(pattern: string, key: string, namespace: string): boolean {
  const tokens = pattern.replaceAll('{namespace}', namespace).split(/(\*\*|\*)/)
  return matchFrom(tokens, 0, key)
}

/** Splitting on the wildcards leaves text at even and wildcards at odd places. */
function matchFrom(tokens: readonly string[], index: number, rest: string): boolean {
  const text = tokens[index] ?? ''
  if (!rest.startsWith(text)) return false
  const tail = rest.slice(text.length)
  const wildcard = tokens[index + 1]
  if (wildcard === undefined) return tail === ''
  const reach = wildcard === '*' && tail.includes('/') ? tail.indexOf('/') : tail.length
  for (let length = 0; length <= reach; length += 1) {
    if (matchFrom(tokens, index + 2, tail.slice(length))) return true
  }
  return false
}

/** Kubernetes label selector semantics: all requirements hold. */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  const exact = Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value)
  return exact && selector.matchExpressions.every((requirement) => requirementMatches(requirement, labels))
}

function requirementMatches({ key, operator, values }: LabelSelectorRequirement, labels: Labels): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}
