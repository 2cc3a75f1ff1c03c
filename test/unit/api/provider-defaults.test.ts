import { expect, test } from 'vitest'
import { kindSchemas } from '../../../scripts/crd.ts'
import type { SchemaNode } from '../../../scripts/structural-schema.ts'
import { decodeResource } from '../../../src/api/decode.ts'
import { kinds } from '../../../src/api/kinds.ts'
import { parseGoDuration } from '../../../src/domain/duration.ts'
import { changed, minimalProvider, signingProvider } from '../../support/manifests.ts'

type Tree = Readonly<Record<string, unknown>>

/** What a provider has of which its manifest says nothing. */
function provider(manifest: unknown): Tree {
  const resource = decodeResource(manifest)
  if (resource?.type !== 'provider') throw new Error(`decoded as ${JSON.stringify(resource)}`)
  return resource.provider as unknown as Tree
}

function at(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((node, step) => (node as Tree | undefined)?.[step], tree)
}

function nodeAt(root: SchemaNode | undefined, path: string): SchemaNode | undefined {
  return path.split('.').reduce<SchemaNode | undefined>((node, step) => node?.properties?.[step], root)
}

/** `Default: 45m.` or `Default: RS256 (…).` at the end of a description. */
function saidOf(kind: 'OAuthProvider' | 'ClusterOAuthProvider', path: string): string | undefined {
  const description = String(nodeAt(kindSchemas(kinds[kind])['spec'], path)?.['description'])
  return /Default: (\w+)(?: \([^)]*\))?\.$/.exec(description)?.[1]
}

const open = provider(minimalProvider)
const confidential = { id: 'cli', secretRef: { name: 'client', key: 'secret' } }
const basic = provider(changed(minimalProvider, 'spec.client', confidential))
const signing = provider(changed(signingProvider, 'spec.client.assertion', { keyRef: { name: 'a', key: 'b' } }))

// The API server does not fill these in, since a preset may have them: nothing else holds the two together.
test.each<[string, unknown]>([
  ['client.authentication', at(basic, 'client.authentication')],
  ['client.assertion.algorithm', at(signing, 'client.assertion.algorithm')],
  ['request.bodyFormat', at(open, 'request.bodyFormat')],
  ['rotation.mode', at(open, 'rotation.mode')],
  ['rotation.leewayKind', at(open, 'rotation.leewayKind')],
  ['rotation.revokesPreviousAccessToken', at(open, 'rotation.revokesPreviousAccessToken')],
  ['limits.requestsPerSecond', at(open, 'limits.requestsPerSecond')],
  ['limits.maxConcurrent', at(open, 'limits.maxConcurrent')],
])('kubectl explains the default of %s', (path, actual) => {
  for (const kind of ['OAuthProvider', 'ClusterOAuthProvider'] as const) expect(saidOf(kind, path)).toBe(String(actual))
})

test.each<[string, unknown]>([
  ['rotation.reuseLeeway', at(open, 'rotation.reuseLeewaySeconds')],
  ['accessTokenLifetime', at(open, 'accessTokenLifetimeSeconds')],
  ['minimumRefreshInterval', at(open, 'minimumRefreshIntervalSeconds')],
])('kubectl explains how long %s is by default', (path, actual) => {
  for (const kind of ['OAuthProvider', 'ClusterOAuthProvider'] as const) {
    expect(parseGoDuration(saidOf(kind, path) ?? '')).toBe(actual)
  }
})

test('no member of a provider has a default in the schema, where it would hide what a preset says', () => {
  for (const kind of [kinds.OAuthProvider, kinds.ClusterOAuthProvider]) {
    expect(JSON.stringify(kindSchemas(kind)['spec'])).not.toMatch(/"default":(?!\{"description")/)
  }
})
