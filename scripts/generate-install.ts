import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runHelm } from '../test/servers/helm.ts'
import { chartDigest } from './chart-digest.ts'
import { installManifest, renderArguments, withKinds } from './install-manifest.ts'

const deploy = fileURLToPath(new URL('../deploy', import.meta.url))

/** Writes deploy/install.yaml from the chart. It needs helm, which `npm run servers` provides. */
async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'helm-'))
  const chart = join(deploy, 'helm/oauth-credential-operator')
  try {
    const rendered = await runHelm(home, renderArguments(chart))
    const kinds = readdirSync(join(deploy, 'crds')).map((name) => readFileSync(join(deploy, 'crds', name), 'utf8'))
    writeFileSync(join(deploy, 'install.yaml'), withKinds(installManifest(rendered, chartDigest(chart)), kinds))
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

await main()
