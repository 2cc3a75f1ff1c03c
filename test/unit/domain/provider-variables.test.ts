import { describe, expect, test } from 'vitest'
import type { ProviderDraft, ProviderSpec, Variable, VariableForm } from '../../../src/domain/provider-draft.ts'
import { completed } from '../../../src/domain/provider-inheritance.ts'
import { tokenOrigin } from '../../../src/domain/token-origin.ts'

const client = { id: 'cli', authentication: 'none' } as const

function preset(tokenEndpoint: string, variables: Readonly<Record<string, Variable>>): ProviderDraft {
  return { kind: 'ClusterOAuthProvider', name: 'preset', generation: 1, variables, spec: { tokenEndpoint } }
}

function filled(base: ProviderDraft, values: Readonly<Record<string, string>>, spec: ProviderSpec = {}) {
  const presetRef = { name: 'preset', values }
  const draft = { kind: 'OAuthProvider', name: 'heir', namespace: 'ci', generation: 1, presetRef } as const
  const provider = completed({ ...draft, spec: { client, ...spec } }, { kind: 'found', value: base })
  return provider.kind === 'found' ? provider.value : provider.referent.problems
}

const entra = preset('https://login.example.com/{tenant}/oauth2/v2.0/token', { tenant: { form: 'PathSegment' } })

describe('a variable', () => {
  test('stands for what the provider says', () => {
    expect(filled(entra, { tenant: 'contoso.example' })).toMatchObject({
      tokenEndpoint: 'https://login.example.com/contoso.example/oauth2/v2.0/token',
    })
  })

  test('stands for its default when the provider says nothing', () => {
    const base = preset('https://login.example.com/{tenant}/token', {
      tenant: { form: 'PathSegment', default: 'common' },
    })
    expect(filled(base, {})).toMatchObject({ tokenEndpoint: 'https://login.example.com/common/token' })
    const direct = completed({ ...base, spec: { ...base.spec, client } }, { kind: 'missing' })
    expect(direct).toMatchObject({ kind: 'found', value: { tokenEndpoint: 'https://login.example.com/common/token' } })
  })

  test('stands in every endpoint, as often as it is named', () => {
    const base: ProviderDraft = {
      ...preset('https://{host}/{host}/token', { host: { form: 'HostName' } }),
      spec: {
        issuer: 'https://{host}',
        tokenEndpoint: 'https://{host}/{host}/token',
        refreshEndpoint: 'https://{host}/refresh',
        revocationEndpoint: 'https://{host}/revoke',
        introspection: { endpoint: 'https://{host}/introspect' },
      },
    }
    expect(filled(base, { host: 'a.example' })).toMatchObject({
      issuer: 'https://a.example',
      tokenEndpoint: 'https://a.example/a.example/token',
      refreshEndpoint: 'https://a.example/refresh',
      revocationEndpoint: 'https://a.example/revoke',
      introspection: { endpoint: 'https://a.example/introspect' },
    })
  })

  test('has to have a value, and is told once', () => {
    const base = { ...entra, spec: { ...entra.spec, refreshEndpoint: 'https://login.example.com/{tenant}' } }
    expect(filled(base, {})).toEqual([
      {
        field: 'spec.presetRef.values.tenant',
        message: 'is required: the endpoints of ClusterOAuthProvider preset have a place for it',
      },
    ])
  })

  test('needs no value where no endpoint is inherited', () => {
    expect(filled(entra, {}, { tokenEndpoint: 'https://own.example/token' })).toMatchObject({
      tokenEndpoint: 'https://own.example/token',
    })
  })

  test('of a preset that is used directly has to have a default', () => {
    const direct = completed({ ...entra, spec: { ...entra.spec, client } }, { kind: 'missing' })
    expect(direct).toMatchObject({ referent: { problems: [{ field: 'spec.variables.tenant' }] } })
  })

  test.each(['tenat', 'constructor', '__proto__'])('must be one of the preset: %s is none', (name) => {
    const values = Object.fromEntries([
      ['tenant', 'contoso'],
      [name, 'x'],
    ])
    expect(filled(entra, values)).toEqual([
      {
        field: `spec.presetRef.values.${name}`,
        message: 'is not a variable of ClusterOAuthProvider preset; known there: tenant',
      },
    ])
  })

  test('may have few values that are allowed', () => {
    const base = preset('https://{region}.example.com/token', {
      region: { form: 'HostLabel', allowed: ['eu', 'us'] },
    })
    expect(filled(base, { region: 'us' })).toMatchObject({ tokenEndpoint: 'https://us.example.com/token' })
    expect(filled(base, { region: 'jp' })).toEqual([
      { field: 'spec.presetRef.values.region', message: 'must be one of eu, us' },
    ])
  })
})

describe('a value cannot change the origin beyond what its place allows', () => {
  const attempts = [
    'evil.example/x',
    'evil.example/',
    'me@evil.example',
    'a:1@evil.example',
    'a#',
    'a?',
    'a%2f',
    'a\\b',
    'a b',
    '..',
    '.',
    '../..',
    'a/../b',
    '/evil.example',
    '//evil.example',
    '{tenant}',
    'a\n',
    '',
    'é',
  ]
  const places: Readonly<Record<VariableForm, { template: string; origin: string; also: readonly string[] }>> = {
    HostLabel: {
      template: 'https://{x}.example.com/token',
      origin: '.example.com',
      also: ['a.b', 'evil.example', 'a:1', '-a', 'a-', 'a_b', 'x'.repeat(64)],
    },
    HostName: { template: 'https://login.{x}/token', origin: '', also: ['a:1', 'a..b', '.a', 'a.', 'a/b'] },
    HostAndPort: { template: 'https://{x}/token', origin: '', also: ['a:', ':1', 'a:b', 'a:1:2', 'a:123456'] },
    PathSegment: { template: 'https://example.com/{x}/token', origin: 'https://example.com', also: ['a/b', 'a:1'] },
    Path: { template: 'https://example.com/{x}/token', origin: 'https://example.com', also: ['a//b', 'a/', '/a'] },
  }

  test.each(Object.entries(places))('%s', (form, { template, also }) => {
    const base = preset(template, { x: { form: form as VariableForm } })
    for (const value of [...attempts.filter((text) => form !== 'Path' || text !== 'evil.example/x'), ...also]) {
      expect([value, filled(base, { x: value })]).toEqual([
        value,
        [expect.objectContaining({ field: 'spec.presetRef.values.x' })],
      ])
    }
  })

  test.each<[VariableForm, string, string]>([
    ['HostLabel', 'a1-b', 'https://a1-b.example.com'],
    ['HostName', 'a.b-c.example', 'https://login.a.b-c.example'],
    ['HostAndPort', 'git.example:8443', 'https://git.example:8443'],
    ['HostAndPort', 'git.example', 'https://git.example'],
    ['PathSegment', '...a~_b', 'https://example.com'],
    ['Path', 'a/b.c', 'https://example.com'],
  ])('%s may be %s', (form, value, origin) => {
    const provider = filled(preset(places[form].template, { x: { form } }), { x: value })
    expect('tokenEndpoint' in provider && tokenOrigin(provider)).toBe(origin)
  })

  test('a port does not fit where the host goes on or has one', () => {
    for (const template of ['https://{x}.example.com/token', 'https://{x}:8443/token']) {
      const problems = filled(preset(template, { x: { form: 'HostAndPort' } }), { x: 'a:1' })
      expect(problems).toEqual([
        { field: 'spec.tokenEndpoint', message: 'must be an absolute URL once its placeholders are filled in' },
      ])
    }
  })
})
