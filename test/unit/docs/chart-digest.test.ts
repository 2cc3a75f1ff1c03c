import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chartDigest } from '../../../scripts/chart-digest.ts'
import { digestIn } from '../../../scripts/install-manifest.ts'

const deploy = fileURLToPath(new URL('../../../deploy', import.meta.url))
const chart = join(deploy, 'helm/oauth-credential-operator')

let copy: string
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'chart-'))
  mkdirSync(join(copy, 'templates'))
  for (const name of ['Chart.yaml', 'values.yaml', 'templates']) {
    cpSync(join(chart, name), join(copy, name), { recursive: true })
  }
})
afterEach(() => rmSync(copy, { recursive: true, force: true }))

function change(name: string, edit: (text: string) => string): void {
  const file = join(copy, name)
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, edit(text))
  expect(readFileSync(file, 'utf8')).not.toBe(text)
}

test('deploy/install.yaml was made from the chart as it is: else run npm run generate:install', () => {
  expect(digestIn(readFileSync(join(deploy, 'install.yaml'), 'utf8'))).toBe(chartDigest(chart))
})

test.each<[string, string, (text: string) => string]>([
  ['a template', 'templates/deployment.yaml', (text) => text.replace('controller', 'controler')],
  ['a named template', 'templates/_names.tpl', (text) => text.replace('trunc 50', 'trunc 51')],
  ['a default', 'values.yaml', (text) => text.replace('replicaCount: 2', 'replicaCount: 3')],
  ['the version', 'Chart.yaml', (text) => text.replace(/^appVersion: .*/m, 'appVersion: 99.0.0')],
])('tells that %s has changed', (_, name, edit) => {
  change(name, edit)
  expect(chartDigest(copy)).not.toBe(chartDigest(chart))
})

test.each<[string, string, (text: string) => string]>([
  ['a comment of the values', 'values.yaml', (text) => text.replace('# Every key', '# Each key')],
  ['what is said after an install', 'templates/NOTES.txt', (text) => `${text}\nBye.\n`],
  ['the Pod of helm test', 'templates/tests/ready.yaml', (text) => text.replace('--wait=120', '--wait=60')],
])('does not mind %s', (_, name, edit) => {
  change(name, edit)
  expect(chartDigest(copy)).toBe(chartDigest(chart))
})
