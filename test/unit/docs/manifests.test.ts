import { describe, expect, it, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { decodeResource, unknownKindProblem } from '../../../src/api/decode.ts'
import { kinds, type OurKind } from '../../../src/api/kinds.ts'
import { apiGroup } from '../../../src/domain/names.ts'
import { fieldsOf, isField, pathsIn } from './crd-fields.ts'
import { type Block, blocksOf, titleOf } from './pages.ts'

/** Stands behind `yaml` on the fence of a manifest that is meant to be refused. */
const invalidMark = 'invalid'

const blocks = blocksOf(['yaml', 'yml'])
const manifests = blocks.filter(({ text }) => text.includes(`apiVersion: ${apiGroup}/`))
const fragments = blocks.filter((block) => !manifests.includes(block))

function documentsOf({ text }: Block): readonly unknown[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.map(({ message }) => message).join('\n'))
    return document.toJS() as unknown
  })
}

/** What is wrong with a manifest, one problem a line. Those of kinds of others have none. */
function problemsOf(manifest: unknown): readonly string[] {
  const unknown = unknownKindProblem(manifest)
  if (unknown !== undefined) return [`${unknown.field}: ${unknown.message}`]
  const resource = decodeResource(manifest)
  const problems =
    resource?.type === 'invalid-credential'
      ? resource.credential.problems
      : resource?.type === 'invalid-provider' || resource?.type === 'invalid-store'
        ? resource.referent.problems
        : []
  return problems.map(({ field, message }) => `${field}: ${message}`)
}

/** Paths of a fragment that is part of one of our specs, from the root of the object; undefined for all others. */
function pathsOfFragment(document: unknown): readonly string[] | undefined {
  if (typeof document !== 'object' || document === null) return undefined
  const names = Object.keys(document)
  const isSpec = names.length === 1 && names[0] === 'spec'
  const isPart = names.some((name) => ourKinds.some((kind) => isField(kind, `spec.${name}`)))
  if (!isSpec && !isPart) return undefined
  return pathsIn(isSpec ? (document as { readonly spec: unknown }).spec : document, 'spec').slice(1)
}

const ourKinds = Object.keys(kinds) as readonly OurKind[]

/** The paths that no kind has, by the kind that comes closest. */
function foreignPaths(paths: readonly string[]): readonly string[] {
  const unknown = ourKinds.map((kind) => paths.filter((path) => !isField(kind, path)))
  return unknown.toSorted((a, b) => a.length - b.length)[0] ?? []
}

describe('the manifests of the documents', () => {
  it('are found', () => {
    expect(new Set(manifests.map(({ page }) => page))).toContain('README.md')
    expect(manifests.length).toBeGreaterThanOrEqual(10)
    expect(fragments.filter((block) => documentsOf(block).some(pathsOfFragment)).length).toBeGreaterThanOrEqual(7)
  })

  test.each(manifests.map((block) => [titleOf(block), block] as const))('%s is what its mark says', (_, block) => {
    const problems = documentsOf(block).flatMap(problemsOf)
    if (block.marks.includes(invalidMark)) expect(problems, 'it is marked as invalid').not.toEqual([])
    else expect(problems, `mark the fence with "yaml ${invalidMark}" if that is meant`).toEqual([])
  })

  test.each(fragments.map((block) => [titleOf(block), block] as const))('%s names fields that exist', (_, block) => {
    const paths = documentsOf(block).flatMap((document) => pathsOfFragment(document) ?? [])
    expect(foreignPaths(paths)).toEqual([])
  })

  test.each(blocks.map((block) => [titleOf(block), block.marks] as const))('%s has no mark of its own', (_, marks) => {
    expect(marks.filter((mark) => mark !== invalidMark)).toEqual([])
  })

  it('is refused where it is wrong', () => {
    const spec = { tokenEndpoint: 'https://login.example.com', client: { id: 'c', authentication: 'none' } }
    const wrong = { apiVersion: `${apiGroup}/v1alpha1`, kind: 'OAuthProvider', metadata: { name: 'p' }, spec }
    expect(problemsOf(wrong)).toEqual([])
    expect(problemsOf({ ...wrong, spec: { ...spec, limit: {} } })).toEqual([expect.stringContaining('spec.limit')])
    expect(problemsOf({ ...wrong, kind: 'OAuthProvidr' })).toEqual([expect.stringContaining('OAuthProvider')])
    expect(foreignPaths(['spec.target.name', 'spec.target.restarts'])).toEqual(['spec.target.restarts'])
    expect(fieldsOf('OAuthCredential').length).toBeGreaterThan(60)
  })
})
