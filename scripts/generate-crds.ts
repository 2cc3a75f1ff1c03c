import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kinds } from '../src/api/kinds.ts'
import { crdFileName, crdYaml, kindSchemas } from './crd.ts'
import { structuralProblems } from './structural-check.ts'

const directory = fileURLToPath(new URL('../deploy/crds', import.meta.url))

/** Writes deploy/crds from the schemas in src/api; with `--check`, names the files that are not what would be written. */
function main(arguments_: readonly string[]): number {
  const problems = Object.values(kinds).flatMap((kind) =>
    Object.entries(kindSchemas(kind)).flatMap(([part, schema]) => structuralProblems(schema, `${kind.kind}.${part}`)),
  )
  if (problems.length > 0) return fail(['The schemas are not fit for a CRD:', ...problems])
  const files = new Map(Object.values(kinds).map((kind) => [crdFileName(kind), crdYaml(kind)]))
  return arguments_.includes('--check') ? check(files) : write(files)
}

function write(files: ReadonlyMap<string, string>): number {
  mkdirSync(directory, { recursive: true })
  for (const [name, text] of files) writeFileSync(join(directory, name), text)
  return 0
}

function check(files: ReadonlyMap<string, string>): number {
  const present = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.yaml')) : []
  const stale = [...files].filter(
    ([name, text]) => !present.includes(name) || text !== readFileSync(join(directory, name), 'utf8'),
  )
  const left = present.filter((name) => !files.has(name))
  const wrong = [...stale.map(([name]) => name), ...left].map((name) => `deploy/crds/${name}`)
  return wrong.length === 0 ? 0 : fail(['Out of date; run npm run generate and commit:', ...wrong])
}

function fail(lines: readonly string[]): number {
  process.stderr.write(`${lines.join('\n')}\n`)
  return 1
}

process.exitCode = main(process.argv.slice(2))
