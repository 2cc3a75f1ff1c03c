import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prometheusRules, readAlertSources } from './alert-rules.ts'
import { type ArgoScripts, argoSettings } from './argocd.ts'
import { dashboard } from './dashboard.ts'
import { chartDigest } from './chart-digest.ts'
import { digestIn, withKinds } from './install-manifest.ts'
import { withValuesTable } from './values-table.ts'

const deploy = fileURLToPath(new URL('../deploy', import.meta.url))
const chart = 'helm/oauth-credential-operator'
const chartFiles = `${chart}/files`

/** Folders of deploy that the chart carries, with those that hold nothing else than the copies. */
const carried = { crds: `${chartFiles}/crds`, providers: `${chartFiles}/providers` } as const

/**
 * `generate-chart.ts [--check]` copies CRDs and presets into the chart, because Helm reads nothing
 * outside of it, and writes its table of the values, dashboard and alerts for those who do without,
 * the settings of Argo CD, and the CRDs in the manifest of an install without Helm, whose other
 * objects need helm (generate-install.ts). With `--check` it writes nothing, names the files that
 * are not what it would write, and says when that manifest was made from another chart.
 */
function main(arguments_: readonly string[]): number {
  const wanted = new Map([
    ...Object.entries(carried).flatMap(([from, to]) => copies(from, to)),
    [`${chartFiles}/dashboard.json`, dashboard()],
    ['monitoring/grafana-dashboard.json', dashboard()],
    ['monitoring/prometheus-rules.yaml', prometheusRules(readAlertSources(textOf(`${chartFiles}/alerts.yaml`)))],
    ['argocd/argocd-cm.yaml', argoSettings(argoScripts())],
    [`${chart}/README.md`, withValuesTable(textOf(`${chart}/README.md`), textOf(`${chart}/values.yaml`))],
    [
      'install.yaml',
      withKinds(
        textOf('install.yaml'),
        namesIn('crds').map((name) => textOf(`crds/${name}`)),
      ),
    ],
  ])
  return arguments_.includes('--check') ? check(wanted) : write(wanted)
}

function argoScripts(): ArgoScripts {
  return {
    health: textOf('argocd/OAuthCredential/health.lua'),
    discovery: textOf('argocd/OAuthCredential/actions/discovery.lua'),
    refresh: textOf('argocd/OAuthCredential/actions/refresh/action.lua'),
    others: textOf('argocd/others/health.lua'),
  }
}

function copies(from: string, to: string): readonly (readonly [string, string])[] {
  return namesIn(from)
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .map((name) => [`${to}/${name}`, textOf(`${from}/${name}`)] as const)
}

function write(wanted: ReadonlyMap<string, string>): number {
  for (const folder of Object.values(carried)) rmSync(join(deploy, folder), { recursive: true, force: true })
  for (const [name, text] of wanted) {
    mkdirSync(dirname(join(deploy, name)), { recursive: true })
    writeFileSync(join(deploy, name), text)
  }
  return 0
}

function check(wanted: ReadonlyMap<string, string>): number {
  const stale = [...wanted].filter(([name, text]) => !existsSync(join(deploy, name)) || text !== textOf(name))
  const copied = Object.values(carried).flatMap((folder) => namesIn(folder).map((name) => `${folder}/${name}`))
  const wrong = [...stale.map(([name]) => name), ...copied.filter((name) => !wanted.has(name))]
  if (wrong.length > 0) return fail('generate', wrong)
  return digestIn(textOf('install.yaml')) === chartDigest(join(deploy, chart))
    ? 0
    : fail('generate:install', ['install.yaml: the chart has changed since'])
}

function fail(script: string, files: readonly string[]): number {
  process.stderr.write(`Out of date in deploy; run npm run ${script} and commit:\n${files.join('\n')}\n`)
  return 1
}

function namesIn(folder: string): readonly string[] {
  return existsSync(join(deploy, folder)) ? readdirSync(join(deploy, folder)) : []
}

function textOf(name: string): string {
  return readFileSync(join(deploy, name), 'utf8')
}

process.exitCode = main(process.argv.slice(2))
