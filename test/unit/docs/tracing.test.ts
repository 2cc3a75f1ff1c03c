import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { codeIn, rowsBelow } from './pages.ts'

const page = readFileSync('docs/tracing.md', 'utf8')

it('docs/tracing.md lists exactly the attributes that spans have', () => {
  const source = readFileSync('src/domain/span-attributes.ts', 'utf8')
  const set = new Set([...source.matchAll(/'([a-z0-9]+(?:\.[a-z0-9_]+)+)'/g)].map(([, name = '']) => name))
  const listed = rowsBelow(page, '## What is seen', 'attribute').map(([name = '']) => codeIn(name).join())
  expect(listed.toSorted()).toEqual([...set].toSorted())
})

it('docs/tracing.md names the variables that the program itself reads', () => {
  const read = readFileSync('src/main/tracing.ts', 'utf8').match(/'OTEL_\w+'/g) ?? []
  const rows = rowsBelow(page, '## The environment', 'variable')
  const named = rows.flatMap(([names = '']) => codeIn(names))
  const isNamed = (variable: string): boolean =>
    named.some((name) => name === variable || (name.startsWith('_') && variable.endsWith(name)))
  const unknown = read.map((quoted) => quoted.slice(1, -1)).filter((variable) => !isNamed(variable))
  expect(unknown).toEqual([])
})
