import fc from 'fast-check'
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
    staticTokens: 'Deny' as const,
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
  it.each(Object.entries(granted))('grants %s', (_, [store, labels = {}]) => {
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
  it.each(Object.entries(denied))('refuses %s', (_, [store, labels = {}]) => {
    expect(storeAccessProblem(store, aCredential(), clusterProvider, labels)).toContain('grants namespace ci no access')
  })

  it('grants nothing while the labels are not known, because a selector may ask for their absence', () => {
    const production = { key: 'tier', operator: 'NotIn', values: ['untrusted'] } as const
    const store = clusterStore({
      keys: ['**'],
      namespaceSelector: { matchLabels: {}, matchExpressions: [production] },
    })
    expect(storeAccessProblem(store, aCredential(), clusterProvider, {})).toBeUndefined()
    expect(storeAccessProblem(store, aCredential(), clusterProvider, undefined)).toContain(
      'The labels of namespace ci are not known yet',
    )
    expect(storeAccessProblem(aStore(), aCredential(), clusterProvider, undefined)).toBeUndefined()
  })

  it('sends no token of a cluster store to a provider that the namespace wrote itself, unless the entry says so', () => {
    const store = clusterStore({ keys: ['**'] })
    expect(storeAccessProblem(store, aCredential(), aProvider(), {})).toContain('wrote itself')
    const open = clusterStore({ keys: ['**'], namespacedProviders: 'Allow' })
    expect(storeAccessProblem(open, aCredential(), aProvider(), {})).toBeUndefined()
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

describe('the time that a pattern takes', () => {
  it('is short for many wildcards and a long key', () => {
    const begun = performance.now()
    expect(keyMatches(`${'**a'.repeat(16)}b`, 'a'.repeat(512), 'ci')).toBe(false)
    expect(keyMatches(`${'*a'.repeat(16)}b`, 'a'.repeat(512), 'ci')).toBe(false)
    expect(performance.now() - begun).toBeLessThan(500)
  })

  it('is bought with no other result than that of trying every way', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '**', '{namespace}'), maxLength: 7 })
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'ci'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, key, (p, k) => {
        expect(keyMatches(p, k, 'ci')).toBe(matchesSomehow(p.replaceAll('{namespace}', 'ci'), k))
      }),
      { numRuns: 2000 },
    )
  })

  /** Tries every way. */
  function matchesSomehow(pattern: string, key: string): boolean {
    if (pattern === '') return key === ''
    const wildcard = /^\*{1,2}/.exec(pattern)?.[0]
    if (wildcard === undefined) return key[0] === pattern[0] && matchesSomehow(pattern.slice(1), key.slice(1))
    const rest = pattern.slice(wildcard.length)
    const lengths = Array.from({ length: key.length + 1 }, (_, length) => length)
    return lengths.some(
      (length) => (wildcard === '**' || !key.slice(0, length).includes('/')) && matchesSomehow(rest, key.slice(length)),
    )
  }
})

describe('selectorMatches', () => {
  it('knows no labels but those that are there', () => {
    const named = (operator: 'Exists' | 'DoesNotExist') => ({
      matchLabels: {},
      matchExpressions: [{ key: 'constructor', operator, values: [] }],
    })
    expect(selectorMatches(named('Exists'), {})).toBe(false)
    expect(selectorMatches(named('DoesNotExist'), {})).toBe(true)
    expect(selectorMatches(named('Exists'), { constructor: 'x' })).toBe(true)
  })

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
