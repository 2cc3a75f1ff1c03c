import { describe, expect, test } from 'vitest'
import { decodeResource, unknownKindProblem } from '../../../src/api/decode.ts'
import type { Problem, Resource } from '../../../src/domain/resources.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { invalidManifests } from '../../support/invalid-manifests.ts'
import { changed, fileStore, minimalCredential, minimalProvider, vaultStore } from '../../support/manifests.ts'

function problemsOf(resource: Resource | undefined): readonly Problem[] {
  switch (resource?.type) {
    case 'invalid-credential':
      return resource.credential.problems
    case 'invalid-provider':
    case 'invalid-store':
      return resource.referent.problems
    default:
      return []
  }
}

function messageFor(manifest: unknown, field: string): string | undefined {
  return problemsOf(decodeResource(manifest)).find((problem) => problem.field === field)?.message
}

describe('a manifest that cannot be acted on', () => {
  test.each(Object.entries(invalidManifests))('%s is refused at its field', (_, { manifest, field }) => {
    const problems = problemsOf(decodeResource(manifest))
    expect(problems.map((problem) => problem.field)).toContain(field)
    for (const { message } of problems) expect(message).toMatch(/^(must|is) \S.*[^.]$/)
  })

  test('has all its problems told at once', () => {
    const manifest = changed(
      changed(changed(minimalCredential, 'spec.providerRef', {}), 'spec.refresh', { before: '1d', beforePercent: 'x' }),
      'spec.target',
      { name: 'UPPER', outputs: [{ format: 'dotenv' }, { format: 'rwa' }], extra: 1 },
    )
    expect(problemsOf(decodeResource(manifest)).map(({ field }) => field)).toEqual([
      'spec.providerRef.name',
      'spec.refresh.before',
      'spec.refresh.beforePercent',
      'spec.refresh',
      'spec.target.name',
      'spec.target.outputs[0].variable',
      'spec.target.outputs[1].format',
      'spec.target.extra',
    ])
  })

  test('keeps what is needed to report it', () => {
    const manifest = {
      ...changed(minimalCredential, 'spec.target', undefined),
      metadata: {
        name: 'claude',
        namespace: 'ci',
        uid: 'u-1',
        generation: 4,
        deletionTimestamp: '2026-01-01T00:00:00Z',
        finalizers: ['oauth-operator.dev/target-cleanup'],
      },
      status: { refreshes: 7 },
    }
    expect(decodeResource(manifest)).toEqual({
      type: 'invalid-credential',
      credential: {
        key: { namespace: 'ci', name: 'claude' },
        uid: 'u-1',
        generation: 4,
        deleting: true,
        finalized: true,
        state: { observedGeneration: 0, refreshes: 7, consecutiveFailures: 0, conditions: [] },
        problems: [{ field: 'spec.target', message: 'is required' }],
      },
    })
  })

  test('names the provider or store that is invalid', () => {
    expect(decodeResource(changed(minimalProvider, 'spec.client', undefined))).toEqual({
      type: 'invalid-provider',
      kind: 'OAuthProvider',
      referent: { namespace: 'ci', name: 'gateway', problems: [{ field: 'spec.client.id', message: 'is required' }] },
    })
    expect(decodeResource(changed(vaultStore, 'spec.access', undefined))).toEqual({
      type: 'invalid-store',
      kind: 'ClusterTokenStore',
      referent: { name: 'vault', problems: [{ field: 'spec.access', message: 'is required' }] },
    })
  })

  test.each([null, 'text', 5, [], [{}]])('is one when its spec is %j', (spec) => {
    for (const manifest of [minimalCredential, minimalProvider, vaultStore]) {
      expect(problemsOf(decodeResource({ ...manifest, spec })).map(({ field }) => field)).toContain('spec')
    }
  })

  test('never has a value repeated, since it might be secret', () => {
    const secret = canary('secret')
    const manifest = changed(
      changed(changed(minimalCredential, 'spec.refreshToken.key', `/${secret}`), 'spec.suspend', secret),
      'spec.target.outputs',
      [{ format: secret, variable: `${secret} ` }],
    )
    observeOutput('problems', JSON.stringify(problemsOf(decodeResource(manifest))))
    expect(new Set(problemsOf(decodeResource(manifest)).map(({ field }) => field))).toEqual(
      new Set([
        'spec.refreshToken.key',
        'spec.suspend',
        'spec.target.outputs[0].format',
        'spec.target.outputs[0].variable',
      ]),
    )
  })
})

describe('a field that does not exist', () => {
  test.each<[string, unknown, string, string]>([
    ['the nearest name', changed(minimalCredential, 'spec.targt', {}), 'spec.targt', 'did you mean target?'],
    ['letters in another order', changed(fileStore, 'spec.fiel', {}), 'spec.fiel', 'did you mean file?'],
    ['other case', changed(minimalCredential, 'spec.providerref', {}), 'spec.providerref', 'did you mean providerRef?'],
    ['inside a list', changed(vaultStore, 'spec.access.0.key', []), 'spec.access[0].key', 'did you mean keys?'],
    [
      'every name that exists, when none is near',
      changed(minimalCredential, 'spec.refreshToken.location', 'x'),
      'spec.refreshToken.location',
      'known here: key, property, storeRef',
    ],
    [
      'none, where nothing may stand',
      changed(fileStore, 'spec.kubernetes', { a: 1 }),
      'spec.kubernetes.a',
      'known here: none',
    ],
    ['beside spec', { ...minimalCredential, stauts: {} }, 'stauts', 'did you mean status?'],
  ])('is told with %s', (_, manifest, field, hint) => {
    expect(messageFor(manifest, field)).toBe(`is not a known field; ${hint}`)
  })

  test('is printed short and on one line', () => {
    const fields = problemsOf(decodeResource(changed(minimalCredential, `spec.${'\n\u001B[31mé'.repeat(40)}`, 1)))
    expect(fields[0]?.field).toMatch(/^spec\[[ -~]{64}\]$/)
  })

  test('is left out when the API server has a newer CRD than this process', () => {
    const newer = changed(changed(minimalCredential, 'spec.verify', { every: '1h' }), 'spec.target.mirror', [1])
    expect(decodeResource(newer, 'ignored')).toEqual(decodeResource(minimalCredentialOfGeneration(newer)))
    expect(problemsOf(decodeResource(changed(newer, 'spec.target.name', undefined), 'ignored'))).toEqual([
      { field: 'spec.target.name', message: 'is required' },
    ])
  })

  /** Files have no generation, it follows from the spec: here the specs differ on purpose. */
  function minimalCredentialOfGeneration(other: unknown): unknown {
    const resource = decodeResource(other, 'ignored')
    const generation = resource?.type === 'credential' ? resource.credential.generation : 0
    return { ...minimalCredential, metadata: { ...minimalCredential.metadata, generation } }
  }
})

describe('metadata', () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['no name', { namespace: 'ci' }, 'metadata.name'],
    ['a name that is a path', { name: '../x' }, 'metadata.name'],
    ['a name that is no text', { name: 5 }, 'metadata.name'],
    ['a namespace that is a path', { name: 'a', namespace: '..' }, 'metadata.namespace'],
    ['a uid that is a path', { name: 'a', uid: '../../x' }, 'metadata.uid'],
  ])('with %s is refused', (_, metadata, field) => {
    expect(problemsOf(decodeResource({ ...minimalCredential, metadata })).map((problem) => problem.field)).toEqual([
      field,
    ])
  })

  test('of another version of our group is refused', () => {
    const manifest = { ...minimalCredential, apiVersion: 'oauth-operator.dev/v2' }
    expect(messageFor(manifest, 'apiVersion')).toBe('must be oauth-operator.dev/v1alpha1')
  })
})

describe('a template', () => {
  test.each<[string, string, string]>([
    ['an unknown field', 'a\n{{ .refreshToken }}', 'the field .refreshToken is unknown; there are .accessToken, '],
    ['an unknown function', '{{ .accessToken | env }}', 'the function env is unknown; there are b64enc, '],
    ['no end', 'Bearer {{ .accessToken', 'an action does not end (line 1, column 8)'],
  ])('with %s is refused, and the place is told', (_, template, problem) => {
    const manifest = changed(minimalCredential, 'spec.target.outputs', [{ key: 'token', template }])
    expect(messageFor(manifest, 'spec.target.outputs[0].template')).toContain(`must be a template: ${problem}`)
  })
})

describe('a kind that is not ours', () => {
  test.each<[string, unknown]>([
    ['a Secret', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }],
    ['our kind in another group', { ...minimalCredential, apiVersion: 'example.com/v1alpha1' }],
    ['a property of every object', { ...minimalCredential, kind: 'constructor' }],
    ['a list', [minimalCredential]],
    ['nothing', undefined],
    ['null', null],
  ])('is left alone: %s', (_, manifest) => {
    expect(decodeResource(manifest)).toBeUndefined()
  })

  test('is a problem when its group is ours', () => {
    expect(unknownKindProblem({ ...minimalCredential, kind: 'OAuthCredentail' })).toEqual({
      field: 'kind',
      message: 'is not a kind of oauth-operator.dev; did you mean OAuthCredential?',
    })
    expect(unknownKindProblem({ ...minimalCredential, kind: 5 })?.message).toContain('must be one of OAuthCredential, ')
    expect(unknownKindProblem(minimalCredential)).toBeUndefined()
    expect(unknownKindProblem({ apiVersion: 'v1', kind: 'Secret' })).toBeUndefined()
  })
})
