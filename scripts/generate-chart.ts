import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prometheusRules, readAlertSources } from './alert-rules.ts'

const deploy = fileURLToPath(new URL('../deploy', import.meta.url))
const chartFiles = join(deploy, 'helm', 'oauth-credential-operator', 'files')
const rulesFile = join(deploy, 'monitoring', 'prometheus-rules.yaml')

/** What the chart carries of what is elsewhere in deploy: folder of the chart to folder of deploy. */
const carried = { crds: 'crds', providers: 'providers' } as const

/**
 * `generate-chart.ts [--check]` copies CRDs and presets into the chart, because Helm reads nothing
 * outside of it, and writes the chart's alerts for others to load; with `--check` it writes nothing, and
 * names the files that are not what it would write.
 */
function main(arguments_: readonly string[]): number {
  const wanted = new Map(Object.entries(carried).flatMap(([to, from]) => filesOf(join(deploy, from), to)))
  return arguments_.includes('--check') ? check(wanted) : write(wanted)
}

function filesOf(directory: string, to: string): readonly (readonly [string, string])[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .map((name) => [join(to, name), readFileSync(join(directory, name), 'utf8')] as const)
}

function write(wanted: ReadonlyMap<string, string>): number {
  for (const folder of Object.keys(carried)) {
    rmSync(join(chartFiles, folder), { recursive: true, force: true })
    mkdirSync(join(chartFiles, folder), { recursive: true })
  }
  for (const [name, text] of wanted) writeFileSync(join(chartFiles, name), text)
  writeFileSync(rulesFile, rules())
  return 0
}

function check(wanted: ReadonlyMap<string, string>): number {
  const present = Object.keys(carried).flatMap((folder) => namesIn(folder))
  const stale = [...wanted].filter(([name, text]) => !present.includes(name) || text !== textOf(name))
  const rulesDiffer = !existsSync(rulesFile) || readFileSync(rulesFile, 'utf8') !== rules()
  const wrong = [
    ...stale.map(([name]) => name),
    ...present.filter((name) => !wanted.has(name)),
    ...(rulesDiffer ? ['prometheus-rules.yaml'] : []),
  ]
  if (wrong.length === 0) return 0
  process.stderr.write(`Out of date in deploy; run npm run generate and commit:\n${wrong.join('\n')}\n`)
  return 1
}

function namesIn(folder: string): readonly string[] {
  const directory = join(chartFiles, folder)
  return existsSync(directory) ? readdirSync(directory).map((name) => join(folder, name)) : []
}

function textOf(name: string): string {
  return readFileSync(join(chartFiles, name), 'utf8')
}

function rules(): string {
  return prometheusRules(readAlertSources(textOf('alerts.yaml')))
}

process.exitCode = main(process.argv.slice(2))
