import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { chartDigest } from '../../scripts/chart-digest.ts'
import { installManifest, installName, renderArguments, withKinds } from '../../scripts/install-manifest.ts'
import { runHelm } from './helm.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'

// The manifest for those who do without Helm: it is the chart with its defaults, and the API server takes all of it.

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))
const manifest = join(deploy, 'install.yaml')
const text = readFileSync(manifest, 'utf8')

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.stop())

test('the manifest is what the chart renders now', async () => {
  const home = mkdtempSync(join(tmpdir(), 'helm-'))
  try {
    const chart = join(deploy, 'helm', installName)
    const rendered = await runHelm(home, renderArguments(chart))
    const kinds = readdirSync(join(deploy, 'crds')).map((name) => readFileSync(join(deploy, 'crds', name), 'utf8'))
    const wanted = withKinds(installManifest(rendered, chartDigest(chart)), kinds)
    expect(text === wanted, 'npm run generate:install, and commit').toBe(true)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

test('no object of the manifest says that Helm made it', () => {
  expect(text).not.toMatch(/helm\.sh|^ *['"]?app\.kubernetes\.io\/managed-by['"]?:/m)
})

test.each([
  ['installs every object', 'apply --server-side -f', manifest],
  ['finds the same in the kustomization', 'apply --server-side -k', deploy],
  ['takes over what was applied on the server', 'apply -k', deploy],
])('%s: kubectl %s', async (_, command, path) => {
  const applied = await cluster.kubectl([...command.split(' '), path])
  expect(applied.stderr.replaceAll(/^Warning: resource .* is missing the .*last-applied.*\n/gm, '')).toBe('')
  expect(applied.code).toBe(0)
  expect(applied.stdout.trim().split('\n')).toHaveLength(parseAllDocuments(text).length)
  await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all'])
})

test('the label of the operator takes away all but the kinds and the namespace', async () => {
  await cluster.kubectlOrThrow(['delete', '-f', manifest, '-l', `app.kubernetes.io/instance=${installName}`])
  const left = ['get', 'namespaces,deployments,services,serviceaccounts,roles,rolebindings,pdb', '-A', '-o', 'name']
  expect(namedAfterUs(await cluster.kubectlOrThrow(left))).toEqual([`namespace/${installName}`])
  const wide = await cluster.kubectlOrThrow(['get', 'clusterroles,clusterrolebindings', '-o', 'name'])
  expect(namedAfterUs(wide)).toEqual([])
  expect((await cluster.kubectlOrThrow(['get', 'crd', '-o', 'name'])).trim().split('\n')).toHaveLength(5)
})

function namedAfterUs(names: string): readonly string[] {
  return names.split('\n').filter((name) => name.includes(installName))
}
