import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kinds } from '../src/api/kinds.ts'
import { crdFileName, crdYaml, kindSchemas } from './crd.ts'
import { structuralProblems } from './structural-check.ts'

const committed = fileURLToPath(new URL('../deploy/crds', import.meta.url))

/**
 * `generate-crds.ts [--check] [directory]` writes the CRDs, to deploy/crds unless told otherwise; with
 * `--check` it writes nothing, and names the files that are not what it would write.
 */
function main(arguments_: readonly string[]): number {
  const problems = Object.values(kinds).flatMap((kind) =>
    Object.entries(kindSchemas(kind)).flatMap(([part, schema]) => structuralProblems(schema, `${kind.kind}.${part}`)),
  )
  if (problems.length > 0) return fail(['The schemas are not fit for a CRD:', ...problems])
  const files = new Map(Object.values(kinds).map((kind) => [crdFileName(kind), crdYaml(kind)]))
  const directory = arguments_.find((argument) => !argument.startsWith('--')) ?? committed
  return arguments_.includes('--check') ? check(directory, files) : write(directory, files)
}

function write(directory: string, files: ReadonlyMap<string, string>): number {
  mkdirSync(directory, { recursive: true })
  for (const [name, text] of files) writeFileSync(join(directory, name), text)
  return 0
}

function check(directory: string, files: ReadonlyMap<string, string>): number {
  const present = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.yaml')) : []
  const stale = [...files].filter(
    ([name, text]) => !present.includes(name) || text !== readFileSync(join(directory, name), 'utf8'),
  )
  const left = present.filter((name) => !files.has(name))
  const wrong = [...stale.map(([name]) => name), ...left].map((name) => relative(process.cwd(), join(directory, name)))
  return wrong.length === 0 ? 0 : fail(['Out of date; run npm run generate and commit:', ...wrong])
}

function fail(lines: readonly string[]): number {
  process.stderr.write(`${lines.join('\n')}\n`)
  return 1
}

process.exitCode = main(process.argv.slice(2))
