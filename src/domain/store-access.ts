import { type Credential, refreshTokenSpec } from './credential.ts'
import type { Provider } from './provider.ts'
import {
  type LabelSelector,
  type LabelSelectorRequirement,
  type StoreAccess,
  storeText,
  type TokenStore,
} from './token-store.ts'

type Labels = Readonly<Record<string, string>>

/**
 * Undefined when the credential may use its key of the store with this provider; else a sentence that
 * says what is missing. Labels that are not known grant nothing: a selector may ask for their absence.
 */
export function storeAccessProblem(
  store: TokenStore,
  credential: Credential,
  provider: Provider,
  namespaceLabels: Labels | undefined,
): string | undefined {
  if (store.kind === 'TokenStore') return undefined
  const { namespace } = credential.key
  const { key } = refreshTokenSpec(credential).refreshToken
  const granted = grantsOf(store, namespace, key, namespaceLabels)
  if (typeof granted === 'string') return granted
  if (provider.kind === 'ClusterOAuthProvider' || granted.some((entry) => entry.namespacedProviders === 'Allow')) {
    return undefined
  }
  return `${storeText(store)} does not let the key "${key}" be sent to an OAuthProvider that namespace ${namespace} wrote itself.`
}

/**
 * As {@link storeAccessProblem}, for a token that is published as it is: whoever may do so reads what the key holds,
 * which is more than to have a refresh token used.
 */
export function staticAccessProblem(
  store: TokenStore,
  namespace: string,
  key: string,
  namespaceLabels: Labels | undefined,
): string | undefined {
  if (store.kind === 'TokenStore') return undefined
  const granted = grantsOf(store, namespace, key, namespaceLabels)
  if (typeof granted === 'string') return granted
  if (granted.some((entry) => entry.staticTokens === 'Allow')) return undefined
  return `${storeText(store)} does not let namespace ${namespace} publish the token of the key "${key}" as it is.`
}

/** The entries that a key is granted by, or why there is none. */
function grantsOf(
  store: TokenStore,
  namespace: string,
  key: string,
  namespaceLabels: Labels | undefined,
): readonly StoreAccess[] | string {
  if (namespaceLabels === undefined) {
    return `The labels of namespace ${namespace} are not known yet, so ${storeText(store)} grants it nothing.`
  }
  const labels = { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels }
  const granted = store.access.filter(
    (entry) =>
      selectorMatches(entry.namespaceSelector, labels) &&
      entry.keys.some((pattern) => keyMatches(pattern, key, namespace)),
  )
  return granted.length > 0
    ? granted
    : `${storeText(store)} grants namespace ${namespace} no access to the key "${key}".`
}

/**
 * Matches a key pattern: `*` is any text without `/`, `**` any text, `{namespace}` the namespace. The
 * whole key must match. Takes time in proportion to the two lengths, whatever the pattern.
 */
export function keyMatches(pattern: string, key: string, namespace: string): boolean {
  const tokens = pattern.replaceAll('{namespace}', namespace).split(/(\*\*|\*)/)
  let reached: readonly boolean[] = [true, ...Array.from({ length: key.length }, () => false)]
  for (const [index, token] of tokens.entries()) {
    reached = index % 2 === 0 ? afterText(reached, token, key) : afterWildcard(reached, token, key)
  }
  return reached[key.length] === true
}

/** From the offsets of the key at which a match may stand, those at which it may stand after a text. */
function afterText(reached: readonly boolean[], text: string, key: string): readonly boolean[] {
  return reached.map((_, offset) => {
    const start = offset - text.length
    return reached[start] === true && key.startsWith(text, start)
  })
}

/** As {@link afterText}: a wildcard takes one more character for as long as it may. */
function afterWildcard(reached: readonly boolean[], wildcard: string, key: string): readonly boolean[] {
  let open = false
  return reached.map((here, offset) => {
    open = here || (open && (wildcard === '**' || key[offset - 1] !== '/'))
    return open
  })
}

/** Kubernetes label selector semantics: all requirements hold. */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  const exact = Object.entries(selector.matchLabels).every(([key, value]) => labelOf(labels, key) === value)
  return exact && selector.matchExpressions.every((requirement) => requirementMatches(requirement, labels))
}

function requirementMatches({ key, operator, values }: LabelSelectorRequirement, labels: Labels): boolean {
  const value = labelOf(labels, key)
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

/** A key such as `constructor` is no label unless somebody put it there. */
function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined
}
