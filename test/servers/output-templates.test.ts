import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import { parseTemplate } from '../../src/domain/template/parse-template.ts'
import { renderTemplate, type TemplateFields } from '../../src/domain/template/render-template.ts'
import { runHelm } from './helm.ts'

interface Case {
  readonly template: string
  readonly fields: TemplateFields
}

/** Values of a token and of what authors write around it, chosen to be read differently by careless hands. */
const values = [
  'ya29.a0-plain_token~+/=',
  ' blanks at the ends \t',
  'quotes "\'` and \\ backslashes',
  'lines\r\nand\u0000controls\u0007\u007f',
  '<script>&amp;</script>',
  'ärger ß İ ŉ Σς ﬁ ǆ 東京 😀',
  '\u00a0\u2003wide blanks\u2028\u2029\u0085',
  '{{ .accessToken }} | b64enc',
  '0',
  '-',
  'eyJhbGciOiJSUzI1NiJ9',
  'U2VjcmV0IHRleHQ=',
]

const functions = ['b64enc', 'toJson', 'quote', 'trim', 'upper', 'lower', 'sha256sum'] as const
const literals = ['"a\\tb\\u00e9\\x41\\n\\"\\\\"', '`raw \\n "text"`', '42', '-7', '0']
const layouts = [
  'a {{- .accessToken -}} b',
  'a\n  {{- .accessToken }}\n{{ .accessToken -}}\n b',
  'x{{/* no }} end */}}y {{- /* a */ -}} z',
  '{{\n  .accessToken\n  | quote\n}}',
  'a } b }} { {c',
  '{{ .idToken | default "none" }}{{ default "" .accessToken }}{{ "" | default .accessToken }}',
  '{{ .accessToken | b64enc | b64dec }}',
  '{{b64enc .accessToken|quote}}{{ "x" }}{{- 3 }}',
]

function cases(): readonly Case[] {
  const templates = [
    ...functions.map((name) => `{{ .accessToken | ${name} }}`),
    ...functions.flatMap((first) => functions.map((second) => `{{ ${first} .accessToken | ${second} }}`)),
    ...literals.flatMap((literal) => [`{{ ${literal} }}`, `{{ ${literal} | toJson }}`, `{{ ${literal} | quote }}`]),
    ...literals.map((literal) => `{{ .idToken | default ${literal} }}{{ ${literal} | default "empty" }}`),
    ...layouts,
  ]
  return templates.flatMap((template) => values.map((accessToken) => ({ template, fields: { accessToken } })))
}

function ours({ template, fields }: Case): string {
  const parsed = parseTemplate(template)
  const result = parsed.ok ? renderTemplate(parsed.template, fields, systemTextCodec) : parsed
  return result.ok ? result.text : `refused: ${result.message}`
}

/** YAML takes no control characters, not even where JSON does. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u00a0\u2000-\u2029]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** One chart renders all cases, each as base64, which no step in between can change. */
async function helms(all: readonly Case[]): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'templates-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'templates'))
  await writeFile(join(directory, 'Chart.yaml'), 'apiVersion: v2\nname: templates\nversion: 0.0.0\n')
  await writeFile(join(directory, 'values.yaml'), asciiJson({ cases: all }))
  await writeFile(
    join(directory, 'templates', 'all.yaml'),
    'rendered:\n{{ range .Values.cases }}- {{ tpl .template (merge (dict "Template" $.Template) .fields) | b64enc | quote }}\n{{ end }}',
  )
  const printed = await runHelm(directory, ['template', 'x', directory])
  return (parse(printed) as { rendered: string[] }).rendered.map((text) => Buffer.from(text, 'base64').toString('utf8'))
}

test('templates of outputs render as they do in Helm', async () => {
  const all = cases()
  const theirs = await helms(all)
  expect(theirs.length).toBe(all.length)
  const different = all.flatMap((one, index) => {
    const [mine, helm] = [ours(one), theirs[index]]
    return mine === helm ? [] : [{ ...one, mine, helm }]
  })
  console.log(`${all.length} templates, ${different.length} rendered differently`)
  expect(different).toEqual([])
})
