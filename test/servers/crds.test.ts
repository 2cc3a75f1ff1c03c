import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeResource, encodeStatus } from '../../src/api/decode.ts'
import type { Condition, CredentialState } from '../../src/domain/credential-state.ts'
import { kinds } from '../../src/api/kinds.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import { exampleFiles } from '../support/examples.ts'
import { invalidManifests } from '../support/invalid-manifests.ts'
import { changed, type Manifest, maximalCredential, minimalCredential, validManifests } from '../support/manifests.ts'
import { heirOf, presetDirectory, presetFiles } from '../support/presets.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'

const crds = fileURLToPath(new URL('../../deploy/crds', import.meta.url))
const names = Object.values(kinds).map(({ plural }) => `${plural}.oauth-operator.dev`)

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.kubectlOrThrow(['apply', '--server-side', '-f', crds])
  await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=60s', 'crd', ...names])
  await cluster.kubectlOrThrow(['create', 'namespace', 'ci'])
})

afterAll(async () => {
  await cluster?.stop()
})

async function apply(manifest: Manifest): Promise<void> {
  await cluster.kubectlOrThrow(['apply', '--server-side', '--validate=strict', '-f', '-'], JSON.stringify(manifest))
}

/** The object as the API server has it, with what it filled in. */
async function stored({ kind, metadata }: Manifest): Promise<Readonly<Record<string, unknown>>> {
  const place = typeof metadata['namespace'] === 'string' ? ['-n', metadata['namespace']] : []
  const text = await cluster.kubectlOrThrow(['get', kind, String(metadata['name']), ...place, '-o', 'json'])
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

/** What we read of it, without what only one of file and API server can have. */
function meaning(manifest: unknown): unknown {
  const resource = decodeResource(manifest)
  switch (resource?.type) {
    case 'credential':
      return resource.credential.spec
    case 'provider':
      return { ...resource.provider, generation: 0 }
    case 'provider-draft':
      return { ...resource.draft, generation: 0 }
    case 'store':
      return { ...resource.store, generation: 0 }
    default:
      throw new Error(`decoded as ${JSON.stringify(resource)}`)
  }
}

describe('the CRDs', () => {
  test('are accepted as structural, with all their rules', async () => {
    const text = await cluster.kubectlOrThrow(['get', 'crd', ...names, '-o', 'json'])
    const list = JSON.parse(text) as { items: { status: { conditions: { type: string; status: string }[] } }[] }
    expect(list.items).toHaveLength(5)
    for (const { status } of list.items) {
      expect(Object.fromEntries(status.conditions.map((condition) => [condition.type, condition.status]))).toEqual({
        NamesAccepted: 'True',
        Established: 'True',
      })
    }
  })

  test.each(
    validManifests.map((manifest) => [`${manifest.kind} ${String(manifest.metadata['name'])}`, manifest] as const),
  )('accept %s, and the defaults of the API server are ours', async (_, manifest) => {
    await apply(manifest)
    expect(meaning(await stored(manifest))).toEqual(meaning(manifest))
  })

  test('take keys that nothing stands behind as we do', async () => {
    const manifest = changed(
      changed(changed(minimalCredential, 'spec.scopes', null), 'spec.refresh', { before: null }),
      'metadata.name',
      'with-nulls',
    )
    await cluster.kubectlOrThrow(['create', '--validate=strict', '-f', '-'], JSON.stringify(manifest))
    expect(meaning(await stored(manifest))).toEqual(meaning(manifest))
  })

  test.each(Object.entries(invalidManifests))('refuse %s at its field', async (_, { manifest, field }) => {
    const named = JSON.stringify(changed(manifest, 'metadata.name', 'invalid'))
    const { code, stderr } = await cluster.kubectl(
      ['create', '--dry-run=server', '--validate=strict', '-f', '-'],
      named,
    )
    // A member of a map is written with a dot or in brackets, as it was the schema or a rule that refused it.
    expect(stderr.replaceAll(/\[([a-z]+)\]/gi, '.$1')).toContain(field)
    expect(code).toBe(1)
  })
})

describe('deploy/providers', () => {
  test('is applied with one command, and every preset is accepted as it is', async () => {
    const applied = await cluster.kubectlOrThrow(['apply', '--server-side', '--validate=strict', '-k', presetDirectory])
    expect(applied.trim().split('\n')).toHaveLength(presetFiles().length)
  })

  test.each(presetFiles().map((file) => [file.name, file] as const))(
    '%s is used as it was written',
    async (_, file) => {
      expect(meaning(await stored(file.manifest))).toEqual(meaning(file.manifest))
      const heir = heirOf(file)
      await apply(heir)
      expect(meaning(await stored(heir))).toEqual(meaning(heir))
      await cluster.kubectlOrThrow(['delete', 'oauthprovider', file.name, '-n', 'ci'])
      await cluster.kubectlOrThrow(['delete', 'clusteroauthprovider', file.name])
    },
  )
})

describe('examples/', () => {
  test.each(exampleFiles().map(({ name, path }) => [name, path] as const))('%s applies', async (_, path) => {
    const applied = await cluster.kubectlOrThrow(['apply', '--dry-run=server', '--validate=strict', '-f', path])
    expect(applied).toMatch(/ (created|configured) \(server dry run\)\n$/)
  })

  test('apply a folder at a time', async () => {
    const folder = fileURLToPath(new URL('../../examples/kubernetes', import.meta.url))
    await cluster.kubectlOrThrow(['apply', '-f', folder])
    const listed = await cluster.kubectlOrThrow(['get', 'oauth', '-o', 'name'])
    expect(listed.trim().split('\n').toSorted()).toEqual([
      'clusteroauthprovider.oauth-operator.dev/directory',
      'clusteroauthprovider.oauth-operator.dev/empty',
      'clusteroauthprovider.oauth-operator.dev/gateway',
      'clustertokenstore.oauth-operator.dev/vault',
      'oauthcredential.oauth-operator.dev/example',
      'oauthprovider.oauth-operator.dev/example',
      'tokenstore.oauth-operator.dev/secrets',
    ])
  })
})

describe('kubectl', () => {
  const lastRefresh = Math.floor(Date.now() / 1000) - 3600
  const condition: Condition = {
    type: 'Ready',
    status: 'True',
    reason: 'TokenValid',
    message: 'The access token is valid.',
    observedGeneration: 1,
    lastTransitionTime: epochSeconds(lastRefresh),
  }
  const state: CredentialState = {
    observedGeneration: 1,
    accessTokenExpiresAt: epochSeconds(4_102_444_800),
    lastRefreshAt: epochSeconds(lastRefresh),
    refreshes: 3,
    consecutiveFailures: 2,
    lastFailure: { code: 'TOKEN_ENDPOINT_UNREACHABLE', message: 'It timed out.', at: epochSeconds(lastRefresh) },
    handledRefreshRequest: 'now',
    storeVersion: '7',
    targetDigest: 'abc',
    conditions: [condition],
  }

  beforeAll(async () => {
    await apply(minimalCredential)
    await apply(maximalCredential)
    const status = encodeStatus({ state, nextRefreshAt: epochSeconds(4_102_444_200) })
    const patch = ['patch', 'oac', 'claude', '-n', 'ci', '--subresource=status', '--type=merge', '-p']
    await cluster.kubectlOrThrow([...patch, JSON.stringify({ status })])
  })

  test('explains every field', async () => {
    const text = await cluster.kubectlOrThrow(['explain', 'oac.spec.refresh'])
    expect(text).toContain('Refresh at least this often, from 1m to 8760h')
    const preset = await cluster.kubectlOrThrow(['explain', 'oauthprovider.spec.presetRef'])
    expect(preset.replaceAll(/\s+/g, ' ')).toContain('A ClusterOAuthProvider that says what this object does not say')
    const all = await cluster.kubectlOrThrow(['explain', 'clustertokenstore.spec', '--recursive'])
    for (const field of ['namespacedProviders', 'awsSecretsManager', 'secretIdRef', 'audiences']) {
      expect(all).toContain(field)
    }
  })

  test('shows what people look for first', async () => {
    const text = await cluster.kubectlOrThrow(['get', 'oac', 'claude', '-n', 'ci'])
    const [header = '', row = ''] = text.split('\n')
    expect(header.split(/\s+/)).toEqual(['NAME', 'READY', 'REASON', 'EXPIRES', 'LAST-REFRESH', 'SECRET', 'AGE'])
    expect(row).toMatch(/^claude +True +TokenValid +2100-01-01T00:00:00Z +6[01]m +claude-token +\d+s$/)
  })

  test('shows more when asked', async () => {
    const text = await cluster.kubectlOrThrow(['get', 'oac', 'claude', '-n', 'ci', '-o', 'wide', '--no-headers'])
    expect(text).toMatch(/ gateway +vault +2099-12-31T23:50:00Z +2 +false +The access token is valid\.\n$/)
  })

  test('reads a status back as it was written', async () => {
    const resource = decodeResource(await stored(minimalCredential))
    expect(resource?.type === 'credential' && resource.credential.state).toEqual(state)
  })

  test.each([
    ['spec.providerRef.name=gateway', ['claude', 'claude-max', 'labelled', 'reports', 'with-nulls']],
    ['spec.refreshToken.storeRef.name=other', []],
    ['spec.target.name=claude-token,spec.refreshToken.storeRef.name=vault', ['claude', 'claude-max', 'with-nulls']],
  ])('selects by %s', async (selector, expected) => {
    const args = ['get', 'oac', '-n', 'ci', '--field-selector', selector, '-o', 'jsonpath={.items[*].metadata.name}']
    const found = await cluster.kubectlOrThrow(args)
    expect(found.split(' ').filter((name) => name !== '')).toEqual(expected)
  })

  test('cannot set a status along with the spec', async () => {
    const manifest = { ...changed(minimalCredential, 'metadata.name', 'forged'), status: { refreshes: 9 } }
    await cluster.kubectlOrThrow(['create', '-f', '-'], JSON.stringify(manifest))
    expect(await stored(manifest)).toHaveProperty('status', { observedGeneration: -1 })
  })
})
