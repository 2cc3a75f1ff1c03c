import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { decodeResource } from '../../../src/api/decode.ts'
import { ResourceIndex } from '../../../src/app/resource-index.ts'
import type { Referent } from '../../../src/domain/observed.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { tokenOrigin } from '../../../src/domain/token-origin.ts'
import { aCredential } from '../../support/builders.ts'
import { heirOf, presetDirectory, presetFiles } from '../../support/presets.ts'

const files = presetFiles()
const named = files.map((file) => [file.name, file] as const)

/** What a credential finds that names a provider of this kind. */
function provider(
  kind: 'OAuthProvider' | 'ClusterOAuthProvider',
  ...manifests: readonly unknown[]
): Referent<Provider> {
  const index = new ResourceIndex(() => undefined)
  for (const manifest of manifests) {
    const resource = decodeResource(manifest)
    if (resource === undefined) throw new Error('not a manifest of ours')
    index.upserted(kind, resource)
  }
  const { name } = (manifests[0] as { readonly metadata: { readonly name: string } }).metadata
  return index.provider(aCredential({ spec: { provider: { kind, name } } }))
}

test('there are presets for at least 25 servers, and for the four of the tools that people come from', () => {
  expect(files.length).toBeGreaterThanOrEqual(25)
  expect(files.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['anthropic', 'gemini', 'openai-codex', 'qwen', 'github-app', 'gitlab', 'google']),
  )
})

test('kubectl applies all of them together', () => {
  const list = parse(readFileSync(`${presetDirectory}/kustomization.yaml`, 'utf8')) as { resources: string[] }
  expect(list.resources).toEqual(files.map(({ name }) => `${name}.yaml`))
})

describe.each(named)('the preset %s', (name, file) => {
  test('bears its name and says whom it is of, and what was verified when', () => {
    expect(file.manifest).toMatchObject({ kind: 'ClusterOAuthProvider', metadata: { name } })
    expect(file.text).toMatch(/^# [A-Z]/)
    expect(file.text).toMatch(/^# Verified \d{4}-\d\d-\d\d: /m)
  })

  test('brings no client, nor anything that pretends to be one', () => {
    const text = JSON.stringify(file.manifest)
    expect(text).not.toMatch(/user-agent|"secretRef"|"keyRef"|certificateSecretName|presetRef/i)
    expect(file.manifest.spec['client']).not.toHaveProperty('id')
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|app_[A-Za-z0-9]{8}/)
  })

  test('is refused as a provider of its own, saying what is missing', () => {
    const found = provider('ClusterOAuthProvider', file.manifest)
    const problems = found.kind === 'invalid' ? found.referent.problems : []
    const told = problems.map(({ field, message }) => `${field}: ${message}`).join('; ')
    expect(told).toContain('spec.client.id: is required')
    expect(told.split('a preset is used through a provider that names it in spec.presetRef')).toHaveLength(2)
  })

  test('makes a provider of the least that a namespace says', () => {
    const found = provider('OAuthProvider', heirOf(file), file.manifest)
    if (found.kind !== 'found') throw new Error(JSON.stringify(found))
    const { tokenEndpoint = '', client } = found.value
    expect(tokenOrigin(found.value)).toMatch(/^https:\/\/[a-z0-9.-]+(:8443)?$/)
    expect(new URL(tokenEndpoint).href).toBe(tokenEndpoint)
    expect(client.id).toBe('my-client')
  })
})

test.each<[string, Readonly<Record<string, string>>, string]>([
  ['github-app', {}, 'https://github.com/login/oauth/access_token'],
  ['github-app', { host: 'git.corp.example:8443' }, 'https://git.corp.example:8443/login/oauth/access_token'],
  ['gitlab', { host: 'gitlab.corp.example' }, 'https://gitlab.corp.example/oauth/token'],
  ['okta', { domain: 'acme.okta.com' }, 'https://acme.okta.com/oauth2/default/v1/token'],
  ['zoho', { domain: 'com.au' }, 'https://accounts.zoho.com.au/oauth/v2/token'],
  ['microsoft-entra', { tenant: 'organizations' }, 'https://login.microsoftonline.com/organizations/oauth2/v2.0/token'],
])('%s with %j is at %s', (name, values, endpoint) => {
  const file = files.find((one) => one.name === name)
  if (file === undefined) throw new Error(`no preset ${name}`)
  const heir = heirOf(file)
  const manifest = { ...heir, spec: { ...heir.spec, presetRef: { name, values } } }
  expect(provider('OAuthProvider', manifest, file.manifest)).toMatchObject({ value: { tokenEndpoint: endpoint } })
})

test.each([
  ['zoho', 'domain', 'com.evil.example'],
  ['pingone', 'domain', 'com.evil.example'],
  ['anthropic', 'host', 'evil.example'],
  ['microsoft-entra', 'tenant', 'a/../../b'],
])('%s does not take any %s', (name, variable, value) => {
  const file = files.find((one) => one.name === name)
  if (file === undefined) throw new Error(`no preset ${name}`)
  const heir = heirOf(file)
  const manifest = { ...heir, spec: { ...heir.spec, presetRef: { name, values: { [variable]: value } } } }
  const found = provider('OAuthProvider', manifest, file.manifest)
  expect(found.kind === 'invalid' && found.referent.problems.map(({ field }) => field)).toContain(
    `spec.presetRef.values.${variable}`,
  )
})
