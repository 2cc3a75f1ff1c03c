import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { crdFileName, crdYaml, kindSchemas } from '../../../scripts/crd.ts'
import { structuralProblems } from '../../../scripts/structural-check.ts'
import { type SchemaNode, structuralSchema } from '../../../scripts/structural-schema.ts'
import { constrained } from '../../../src/api/rule.ts'
import { kinds } from '../../../src/api/kinds.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

function generate(...arguments_: readonly string[]): { status: number | null; stderr: string } {
  const command = ['scripts/generate-crds.ts', ...arguments_]
  const { status, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
  return { status, stderr }
}

describe('the committed CRDs', () => {
  test('are what the schemas say now', () => {
    for (const kind of Object.values(kinds)) {
      expect(readFileSync(`${root}deploy/crds/${crdFileName(kind)}`, 'utf8')).toBe(crdYaml(kind))
    }
    expect(readdirSync(`${root}deploy/crds`).filter((name) => name.startsWith('oauth-operator.dev_'))).toHaveLength(5)
  })

  test('are written and checked by the generator', () => {
    const directory = mkdtempSync(join(tmpdir(), 'crds-'))
    try {
      expect(generate(directory)).toEqual({ status: 0, stderr: '' })
      expect(generate('--check', directory)).toEqual({ status: 0, stderr: '' })
      appendFileSync(join(directory, crdFileName(kinds.TokenStore)), '# edited\n')
      rmSync(join(directory, crdFileName(kinds.OAuthProvider)))
      writeFileSync(join(directory, 'left-over.yaml'), '')
      const { status, stderr } = generate('--check', directory)
      expect(status).toBe(1)
      expect(stderr.match(/[\w.-]+\.yaml/g)?.toSorted()).toEqual([
        'left-over.yaml',
        'oauth-operator.dev_oauthproviders.yaml',
        'oauth-operator.dev_tokenstores.yaml',
      ])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('say on their first line that they are generated', () => {
    for (const kind of Object.values(kinds)) expect(crdYaml(kind)).toMatch(/^# Generated .*npm run generate/)
  })

  test('give only credentials a status', () => {
    const versions = Object.values(kinds).map((kind): unknown => parse(crdYaml(kind)))
    expect(versions.map((crd) => JSON.stringify(crd).includes('"subresources":{"status":{}}'))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
  })
})

test('the schemas of all kinds are structural', () => {
  for (const kind of Object.values(kinds)) {
    for (const [part, schema] of Object.entries(kindSchemas(kind))) {
      expect(structuralProblems(schema, part)).toEqual([])
    }
  }
})

test('no spec has a place for the value of a secret', () => {
  for (const kind of Object.values(kinds)) {
    const text = JSON.stringify(kindSchemas(kind))
    expect(text).not.toMatch(
      /"(password|clientSecret|accessToken|secretId|token|secretAccessKey)":\{"description":"(?!JSON pointer)[^"]*","type":"string"/,
    )
  }
})

describe('a schema', () => {
  test('keeps what was said about it through rules, defaults and descriptions', () => {
    const text = constrained(z.string().max(5), {
      cel: "self != 'x'",
      message: 'must not be x',
      holds: (value) => value !== 'x',
    })
    const schema = structuralSchema(z.strictObject({ a: text.default('y').describe('A text.') }))
    expect(schema.properties?.['a']).toEqual({
      description: 'A text.',
      type: 'string',
      default: 'y',
      maxLength: 5,
      'x-kubernetes-validations': [{ rule: "self != 'x'", message: 'must not be x' }],
    })
  })

  test('is open to pruning at every level and requires only what has no default', () => {
    const inner = z.strictObject({ b: z.int().default(1), c: z.int() })
    const schema = structuralSchema(z.strictObject({ a: z.array(inner).max(2), d: inner.optional() }))
    expect(JSON.stringify(schema)).not.toMatch(/additionalProperties|9007199254740991/)
    expect(schema).toMatchObject({ required: ['a'], properties: { a: { items: { required: ['c'] } } } })
  })
})

describe('the structural check', () => {
  const sound: SchemaNode = { description: 'Sound.', type: 'object', properties: {} }
  const text: SchemaNode = { description: 'A text.', type: 'string', maxLength: 5 }

  test('lets a sound schema pass', () => {
    expect(structuralProblems({ ...sound, properties: { text } }, 'spec')).toEqual([])
  })

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['no type', { type: undefined }],
    ['two types', { type: ['string', 'null'] }],
    ['a number type', { type: 'number' }],
    ['no description', { description: undefined }],
    ['a description that is no sentence', { description: 'text' }],
    ['a reference', { $ref: '#/definitions/x' }],
    ['a constant', { const: 'x' }],
    ['oneOf', { oneOf: [{ type: 'string' }] }],
    ['anyOf', { anyOf: [{ minLength: 1 }] }],
    ['allOf', { allOf: [] }],
    ['not', { not: { maxLength: 1 } }],
    ['no length', { maxLength: undefined, type: 'string' }],
    ['a lookahead', { pattern: '^(?!x)' }],
    ['a lookbehind', { pattern: '(?<=x)y' }],
    ['a named group', { pattern: '(?<year>x)' }],
    ['a backreference', { pattern: String.raw`(x)\1` }],
    ['a unicode escape', { pattern: String.raw`^\u0041$` }],
    ['a set of everything', { pattern: '^[^]$' }],
    ['a repetition beyond a thousand', { pattern: 'x{1,1001}' }],
    ['a default of another type', { default: 5 }],
  ])('finds %s', (_, planted) => {
    const node: SchemaNode = Object.fromEntries(
      Object.entries({ ...text, ...planted }).filter(([, value]) => value !== undefined),
    )
    expect(structuralProblems({ ...sound, properties: { a: sound, node } }, 'spec')).toEqual([
      expect.stringMatching(/^spec\.node: /),
    ])
  })

  test.each<[string, SchemaNode]>([
    ['closed objects', { ...sound, additionalProperties: { type: 'string', maxLength: 1 }, maxProperties: 1 }],
    [
      'a closed map',
      { description: 'Map.', type: 'object', additionalProperties: false as unknown as SchemaNode, maxProperties: 1 },
    ],
    ['a map without bound', { description: 'Map.', type: 'object', additionalProperties: { type: 'boolean' } }],
    ['a list without bound', { description: 'List.', type: 'array', items: text, 'x-kubernetes-list-type': 'atomic' }],
    ['a list without type', { description: 'List.', type: 'array', items: text, maxItems: 1 }],
    [
      'a list map whose key may be absent',
      {
        description: 'List.',
        type: 'array',
        maxItems: 1,
        items: { type: 'object', properties: { type: text } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      },
    ],
  ])('finds %s', (_, node) => {
    expect(structuralProblems({ ...sound, properties: { node } }, 'spec')).toEqual([
      expect.stringMatching(/^spec\.node: /),
    ])
  })

  test('looks into lists and maps', () => {
    const bad: SchemaNode = { type: 'string' }
    const list = { description: 'L.', type: 'array', maxItems: 1, items: bad, 'x-kubernetes-list-type': 'atomic' }
    const map = { description: 'M.', type: 'object', maxProperties: 1, additionalProperties: bad }
    expect(structuralProblems({ ...sound, properties: { list, map } }, 'spec')).toEqual([
      'spec.list[]: string needs maxLength, enum or the format date-time',
      'spec.map{}: string needs maxLength, enum or the format date-time',
    ])
  })
})
