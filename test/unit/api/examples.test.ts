import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { decodeResource, unknownKindProblem } from '../../../src/api/decode.ts'
import { providerOf, sourceOf } from '../../../src/domain/credential.ts'
import type { Resource } from '../../../src/domain/resources.ts'
import { type ExampleFile, exampleFiles } from '../../support/examples.ts'

const files = exampleFiles()

function manifestsOf({ text }: ExampleFile): readonly unknown[] {
  return parseAllDocuments(text).map((document) => document.toJS() as unknown)
}

function resourcesOf(folder: string): readonly Resource[] {
  return files
    .filter(({ name }) => name.startsWith(`${folder}/`))
    .flatMap(manifestsOf)
    .map((manifest) => decodeResource(manifest))
    .filter((resource) => resource !== undefined)
}

test.each(files.map((file) => [file.name, file] as const))('examples/%s says what it is, and is valid', (_, file) => {
  expect(file.text).toMatch(/^# [A-Z]/)
  for (const manifest of manifestsOf(file)) {
    expect(unknownKindProblem(manifest)).toBeUndefined()
    const type = decodeResource(manifest)?.type ?? 'other'
    expect(['credential', 'provider', 'provider-draft', 'store', 'other']).toContain(type)
  }
})

describe.each(['kubernetes', 'vault', 'aws', 'demo', 'client-credentials', 'static-token'])('examples/%s', (folder) => {
  const resources = resourcesOf(folder)
  const providers = resources.flatMap((resource) => (resource.type === 'provider' ? [resource.provider] : []))
  const stores = resources.flatMap((resource) => (resource.type === 'store' ? [resource.store] : []))
  const credentials = resources.flatMap((resource) => (resource.type === 'credential' ? [resource.credential] : []))

  test('has all that its credentials refer to', () => {
    expect(credentials).not.toHaveLength(0)
    for (const { spec } of credentials) {
      const [provider, source] = [providerOf(spec), sourceOf(spec)]
      if (provider) expect(providers.map(({ kind, name }) => ({ kind, name }))).toContainEqual(provider)
      if (source) expect(stores.map(({ kind, name }) => ({ kind, name }))).toContainEqual(source.store)
    }
  })
})
