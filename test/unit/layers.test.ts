import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const tree = mkdtempSync(join(tmpdir(), 'layers-'))

interface Snippet {
  readonly file: string
  readonly code: string
  /** The rule that must report it; absent: none may. */
  readonly rule?: string
}

const imports = 'eslint(no-restricted-imports)'
const globals = 'eslint(no-restricted-globals)'
const properties = 'eslint(no-restricted-properties)'

const snippets: Readonly<Record<string, Snippet>> = {
  'the domain imports a package': { file: 'domain/a1.ts', code: `import 'zod'`, rule: imports },
  'the domain imports a Node module': { file: 'domain/a2.ts', code: `import 'node:fs'`, rule: imports },
  'the domain imports a port': { file: 'domain/a3.ts', code: `import '../ports/x.ts'`, rule: imports },
  'the domain re-exports a port': { file: 'domain/a4.ts', code: `export * from '../ports/x.ts'`, rule: imports },
  'a folder of the domain imports the app': {
    file: 'domain/formats/a.ts',
    code: `import '../../app/x.ts'`,
    rule: imports,
  },
  'a folder of the domain imports a package': { file: 'domain/formats/a5.ts', code: `import 'zod'`, rule: imports },
  'the domain imports itself': { file: 'domain/ok1.ts', code: `import './formats/x.ts'` },
  'a folder of the domain imports the domain': { file: 'domain/formats/ok2.ts', code: `import '../x.ts'` },
  'ports import a package': { file: 'ports/b1.ts', code: `import 'undici'`, rule: imports },
  'ports import the app': { file: 'ports/b2.ts', code: `import '../app/x.ts'`, rule: imports },
  'ports import the api': { file: 'ports/b3.ts', code: `import '../api/x.ts'`, rule: imports },
  'ports import the domain': { file: 'ports/ok3.ts', code: `import '../domain/x.ts'` },
  'the api imports yaml': { file: 'api/c1.ts', code: `import 'yaml'`, rule: imports },
  'the api imports a package whose name begins with zod': { file: 'api/c2.ts', code: `import 'zodiac'`, rule: imports },
  'the api imports a port': { file: 'api/c3.ts', code: `import '../ports/x.ts'`, rule: imports },
  'the api imports zod and the domain': { file: 'api/ok4.ts', code: `import 'zod'\nimport '../domain/x.ts'` },
  'the app imports a package': { file: 'app/d1.ts', code: `import 'pino'`, rule: imports },
  'the app imports a Node module': { file: 'app/d2.ts', code: `import 'node:timers'`, rule: imports },
  'the app imports an adapter': { file: 'app/d3.ts', code: `import '../adapters/pino/x.ts'`, rule: imports },
  'a folder of the app imports the api': { file: 'app/deep/d4.ts', code: `import '../../api/x.ts'`, rule: imports },
  'the app imports a port': { file: 'app/ok5.ts', code: `import '../ports/x.ts'` },
  'an adapter imports the app': { file: 'adapters/vault/e1.ts', code: `import '../../app/x.ts'`, rule: imports },
  'an adapter imports main': { file: 'adapters/vault/e2.ts', code: `import '../../main/x.ts'`, rule: imports },
  'an adapter imports the command line': {
    file: 'adapters/vault/e3.ts',
    code: `import '../../cli/x.ts'`,
    rule: imports,
  },
  'an adapter reads the environment': {
    file: 'adapters/vault/e4.ts',
    code: `export const home = process.env['HOME']`,
    rule: 'node(no-process-env)',
  },
  'an adapter imports ports, api, domain and packages': {
    file: 'adapters/vault/ok6.ts',
    code: `import 'undici'\nimport '../../ports/x.ts'\nimport '../../api/x.ts'\nimport '../../domain/x.ts'`,
  },
  'a command imports an adapter': { file: 'cli/f1.ts', code: `import '../adapters/pino/x.ts'`, rule: imports },
  'a command imports main': { file: 'cli/f2.ts', code: `import '../main/x.ts'`, rule: imports },
  'a command imports the process': { file: 'cli/f3.ts', code: `import 'node:process'`, rule: imports },
  'main imports the tests': { file: 'main/g1.ts', code: `import '../../test/support/x.ts'`, rule: imports },
  'the domain reads the clock': { file: 'domain/h1.ts', code: `export const t = new Date(0)`, rule: globals },
  'the app reads the clock': { file: 'app/h2.ts', code: `export const t = Date.now()`, rule: globals },
  'the app names Date as a type only': { file: 'app/ok7.ts', code: `export type T = Date` },
  'the api reads the clock': { file: 'api/h3.ts', code: `export const t = new Date()`, rule: 'clock(no-current-date)' },
  'the api reads the clock as text': {
    file: 'api/h4.ts',
    code: `export const t = Date()`,
    rule: 'clock(no-current-date)',
  },
  'the api asks for the time in milliseconds': {
    file: 'api/h5.ts',
    code: `export const t = Date.now()`,
    rule: properties,
  },
  'the api converts a time': { file: 'api/ok8.ts', code: `export const t = new Date(0).toISOString()` },
  'the domain throws dice': { file: 'domain/h6.ts', code: `export const r = Math.random()`, rule: properties },
  'a file that may reveal throws dice': {
    file: 'domain/token-document.ts',
    code: `export const r = Math.random()`,
    rule: properties,
  },
  'the app looks at the process': { file: 'app/h7.ts', code: `export const p = process.pid`, rule: globals },
  'a command looks at the process': { file: 'cli/h8.ts', code: `export const p = process.argv`, rule: globals },
  'the app reveals a secret': { file: 'app/i1.ts', code: `export const v = (s: any) => s.reveal()`, rule: properties },
  'main reveals a secret': { file: 'main/i2.ts', code: `export const v = (s: any) => s.reveal()`, rule: properties },
  'the domain reveals a secret by destructuring': {
    file: 'domain/i3.ts',
    code: `export const v = (s: any) => { const { reveal } = s; return reveal }`,
    rule: properties,
  },
  'a format reveals a secret': {
    file: 'domain/formats/ok9.ts',
    code: `export const v = (s: { reveal(): string }) => s.reveal()`,
  },
  'an adapter reveals a secret': {
    file: 'adapters/vault/ok10.ts',
    code: `export const v = (s: { reveal(): string }) => s.reveal()`,
  },
  'a source file prints': { file: 'app/j1.ts', code: `console.log(1)`, rule: 'eslint(no-console)' },
  'a source file has a default export': {
    file: 'app/j2.ts',
    code: `export default 1`,
    rule: 'import(no-default-export)',
  },
  'a source file has 301 lines': { file: 'app/j3.ts', code: 'export {}\n'.repeat(301), rule: 'eslint(max-lines)' },
  'a function has 61 lines': {
    file: 'app/j4.ts',
    code: `export function f(): void {\n${'  f()\n'.repeat(59)}}\n`,
    rule: 'eslint(max-lines-per-function)',
  },
  'a function has five parameters': {
    file: 'app/j5.ts',
    code: `export function f(a: 1, b: 1, c: 1, d: 1, e: 1): number { return a + b + c + d + e }`,
    rule: 'eslint(max-params)',
  },
  'a function decides eleven times': {
    file: 'app/j6.ts',
    code: `export const f = (a: number): boolean => ${Array.from({ length: 11 }, (_, n) => `a === ${n}`).join(' || ')}`,
    rule: 'eslint(complexity)',
  },
  'a function nests four deep': {
    file: 'app/j7.ts',
    code: `export function f(a: number): void { if (a) { if (a) { if (a) { if (a) { f(0) } } } } }`,
    rule: 'eslint(max-depth)',
  },
  'two files import each other': {
    file: 'app/k1.ts',
    code: `import './k2.ts'`,
    rule: 'import(no-cycle)',
  },
  'its other half': { file: 'app/k2.ts', code: `import './k1.ts'`, rule: 'import(no-cycle)' },
}

const adapters = readdirSync(join(root, 'src/adapters'))
const siblings = adapters.map((adapter, at): [string, Snippet] => [
  adapter,
  {
    file: `adapters/${adapters[(at + 1) % adapters.length] ?? ''}/sibling.ts`,
    code: `import '../${adapter}/x.ts'`,
    rule: imports,
  },
])

const reports = new Map<string, string[]>()

beforeAll(() => {
  for (const path of ['.oxlintrc.json', 'scripts/lint/clock.ts']) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    copyFileSync(join(root, path), join(tree, path))
  }
  for (const { file, code } of [...Object.values(snippets), ...siblings.map(([, snippet]) => snippet)]) {
    mkdirSync(dirname(join(tree, 'src', file)), { recursive: true })
    writeFileSync(join(tree, 'src', file), code)
  }
  const lint = spawnSync(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), '--format=json', 'src'], {
    cwd: tree,
    encoding: 'utf8',
    timeout: 15_000,
  })
  const { diagnostics } = JSON.parse(lint.stdout) as { diagnostics: readonly { filename: string; code: string }[] }
  for (const { filename, code } of diagnostics) {
    const file = filename.replaceAll('\\', '/').replace(/^.*?src\//, '')
    reports.set(file, [...(reports.get(file) ?? []), code])
  }
})

afterAll(() => rmSync(tree, { recursive: true }))

describe('the linter reports that', () => {
  const forbidden = Object.entries(snippets).filter(([, { rule }]) => rule !== undefined)
  test.each(forbidden)('%s', (_, { file, rule }) => {
    expect(reports.get(file)).toContain(rule)
  })

  test.each(siblings)('an adapter imports its sibling %s', (_, { file, rule }) => {
    expect(reports.get(file)).toContain(rule)
  })
})

describe('the linter allows that', () => {
  const allowed = Object.entries(snippets).filter(([, { rule }]) => rule === undefined)
  test.each(allowed)('%s', (_, { file }) => {
    expect(reports.get(file)).toBeUndefined()
  })
})

test('no source file switches a check off', () => {
  const directive = /(oxlint|eslint)-disable|@ts-(ignore|nocheck|expect-error)|knip-ignore/
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  expect(files.filter((file) => directive.test(readFileSync(join(root, 'src', file), 'utf8')))).toEqual([])
})
