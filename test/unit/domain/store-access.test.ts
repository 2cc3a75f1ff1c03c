import { describe, expect, it } from 'vitest'
import { keyMatches, selectorMatches, storeAccessProblem } from '../../../src/domain/store-access.ts'
import type { LabelSelector, StoreAccess, TokenStore } from '../../../src/domain/token-store.ts'
import { aCredential, aProvider, aStore } from '../../support/builders.ts'

const clusterProvider = aProvider({ kind: 'ClusterOAuthProvider' })
const everyNamespace: LabelSelector = { matchLabels: {}, matchExpressions: [] }

function clusterStore(...access: readonly Partial<StoreAccess>[]): TokenStore {
  const full = access.map((entry) => ({
    namespaceSelector: everyNamespace,
    keys: [],
    namespacedProviders: 'Deny' as const,
    ...entry,
  }))
  return aStore({ kind: 'ClusterTokenStore', access: full })
}

describe('storeAccessProblem', () => {
  const granted: Record<string, [TokenStore, labels?: Record<string, string>]> = {
    "a namespace's own store needs no grant": [aStore()],
    'a pattern with the namespace in it': [clusterStore({ keys: ['teams/{namespace}/*'] })],
    'a selector by label': [
      clusterStore({ keys: ['**'], namespaceSelector: { matchLabels: { team: 'ci' }, matchExpressions: [] } }),
      { team: 'ci' },
    ],
    'a selector by the name label that every namespace has': [
      clusterStore({
        keys: ['**'],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ci' }, matchExpressions: [] },
      }),
    ],
  }
  it.each(Object.entries(granted))('grants %s', (_, [store, labels]) => {
    expect(storeAccessProblem(store, aCredential(), clusterProvider, labels)).toBeUndefined()
  })

  const denied: Record<string, [TokenStore, labels?: Record<string, string>]> = {
    'nobody, when there are no entries': [clusterStore()],
    "another team's key": [clusterStore({ keys: ['teams/other/*'] })],
    'a key that only begins like a granted one': [clusterStore({ keys: ['teams/ci/cl'] })],
    'a namespace without the label': [
      clusterStore({ keys: ['**'], namespaceSelector: { matchLabels: { team: 'ci' }, matchExpressions: [] } }),
      { team: 'other' },
    ],
  }
  it.each(Object.entries(denied))('refuses %s', (_, [store, labels]) => {
    expect(storeAccessProblem(store, aCredential(), clusterProvider, labels)).toContain('grants namespace ci no access')
  })

  it('sends no token of a cluster store to a provider that the namespace wrote itself, unless the entry says so', () => {
    const store = clusterStore({ keys: ['**'] })
    expect(storeAccessProblem(store, aCredential(), aProvider(), undefined)).toContain('wrote itself')
    const open = clusterStore({ keys: ['**'], namespacedProviders: 'Allow' })
    expect(storeAccessProblem(open, aCredential(), aProvider(), undefined)).toBeUndefined()
  })
})

describe('keyMatches', () => {
  it.each([
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['**', 'a/b/c', true],
    ['a/*/c', 'a/b/c', true],
    ['a/*/c', 'a/b/b/c', false],
    ['a/**/c', 'a/b/b/c', true],
    ['a.c', 'abc', false],
    ['{namespace}-*', 'ci-x', true],
    ['{namespace}-*', 'other-x', false],
    ['', '', true],
  ])('%s matches %s: %s', (pattern, key, expected) => {
    expect(keyMatches(pattern, key, 'ci')).toBe(expected)
  })
})

describe('selectorMatches', () => {
  it.each([
    ['In', ['a', 'b'], { k: 'b' }, true],
    ['In', ['a'], {}, false],
    ['NotIn', ['a'], { k: 'a' }, false],
    ['NotIn', ['a'], {}, true],
    ['Exists', [], { k: '' }, true],
    ['DoesNotExist', [], { k: '' }, false],
  ] as const)('%s %j of %j: %s', (operator, values, labels, expected) => {
    const selector = { matchLabels: {}, matchExpressions: [{ key: 'k', operator, values }] }
    expect(selectorMatches(selector, labels)).toBe(expected)
  })
})
