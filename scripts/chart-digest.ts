import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** Whose comments and order change nothing that is rendered. */
const values = ['Chart.yaml', 'values.yaml'] as const

/**
 * Identifies what `deploy/install.yaml` is rendered from, beside the kinds: the templates that a manifest without hooks is
 * made of, and the default values. The files that templates read are no part of it, as no default has one read.
 */
export function chartDigest(chart: string): string {
  const templates = readdirSync(join(chart, 'templates')).filter((name) => /\.(ya?ml|tpl)$/.test(name))
  const hash = createHash('sha256')
  for (const name of values) hash.update(`${name}\n${JSON.stringify(parse(textOf(chart, name)))}\n`)
  for (const name of templates.toSorted()) hash.update(`${name}\n${textOf(chart, `templates/${name}`)}\n`)
  return `sha256:${hash.digest('hex')}`
}

function textOf(chart: string, name: string): string {
  return readFileSync(join(chart, name), 'utf8')
}
