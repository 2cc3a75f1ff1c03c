import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeResource } from '../../../src/api/decode.ts'
import type { ProviderDraft, ProviderSpec, Variable } from '../../../src/domain/provider-draft.ts'
import { type PresetFile, presetFiles } from '../../support/presets.ts'
import { fieldsOf } from './crd-fields.ts'
import { codeIn, rowsBelow } from './pages.ts'

const columns = [
  'preset',
  'server',
  'token endpoint',
  'client',
  'refresh token rotates',
  'access token',
  'refresh token',
]

function rowOf({ name, text, manifest }: PresetFile): readonly string[] {
  const resource = decodeResource(manifest)
  if (resource?.type !== 'provider-draft') throw new Error(`${name} is no preset`)
  const { spec, variables = {} } = resource.draft
  const title = /^# (.*)$/m.exec(text)?.[1] ?? ''
  return [
    `[\`${name}\`](../deploy/providers/${name}.yaml)`,
    title,
    endpointText(spec, variables),
    clientText(spec),
    rotationText(spec),
    spec.accessTokenLifetimeSeconds === undefined ? '' : length(spec.accessTokenLifetimeSeconds),
    lifetimeText(spec),
  ]
}

function endpointText({ tokenEndpoint = '', refreshEndpoint }: ProviderSpec, variables: ProviderDraft['variables']) {
  const other = refreshEndpoint === undefined ? '' : `, refresh at \`${refreshEndpoint}\``
  const notes = Object.entries(variables ?? {}).map(([name, variable]) => variableText(name, variable))
  return `\`${tokenEndpoint}\`${other}${notes.length > 0 ? `; ${notes.join('; ')}` : ''}`
}

function variableText(name: string, variable: Variable): string {
  const allowed = variable.allowed === undefined ? '' : `: ${variable.allowed.join(', ')}`
  return `${name} (${variable.form}${allowed}) ${variable.default === undefined ? 'required' : `default ${variable.default}`}`
}

function clientText({ client, request }: ProviderSpec): string {
  return `${client?.authentication}${request?.bodyFormat === 'json' ? ', JSON' : ''}`
}

const rotations = { Always: 'yes', Never: 'no', Detect: 'found out' } as const

function rotationText({ rotation = {} }: ProviderSpec): string {
  const { mode = 'Detect', reuseLeewaySeconds, leewayKind, revokesPreviousAccessToken } = rotation
  const once = leewayKind === 'PreviousGeneration' ? ', once' : ''
  const leeway = reuseLeewaySeconds === undefined ? '' : `, leeway ${length(reuseLeewaySeconds)}${once}`
  return `${rotations[mode]}${leeway}${revokesPreviousAccessToken === true ? ', and ends the access token before' : ''}`
}

function lifetimeText({ refreshTokenLifetime = {} }: ProviderSpec): string {
  const { idleSeconds, absoluteSeconds } = refreshTokenLifetime
  const idle = idleSeconds === undefined ? [] : [`${length(idleSeconds)} without use`]
  return [...idle, ...(absoluteSeconds === undefined ? [] : [`${length(absoluteSeconds)} in all`])].join(', ')
}

function length(seconds: number): string {
  if (seconds % 86_400 === 0 && seconds > 86_400) return `${seconds / 86_400}d`
  return seconds % 3600 === 0 ? `${seconds / 3600}h` : `${seconds / 60}m`
}

/** Cells of the table whose first column is `first`. */
function tableOf(text: string, first: string): readonly (readonly string[])[] {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => new RegExp(`^\\| ${first} +\\|`).test(line))
  const rows = lines.slice(start)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

test('docs/providers.md lists exactly the presets, as they are', () => {
  const [header, , ...rows] = tableOf(readFileSync('docs/providers.md', 'utf8'), 'preset')
  expect(header).toEqual(columns)
  expect(rows).toEqual(presetFiles().map(rowOf))
})

test('docs/providers.md says of every member of a provider what is taken from the preset', () => {
  const page = readFileSync('docs/providers.md', 'utf8')
  const told = rowsBelow(page, '### What is taken from the preset', 'member')
    .flatMap(([members = '']) => codeIn(members))
    .map((member) => member.split('.')[0])
  const known = fieldsOf('OAuthProvider').map(({ path }) => path.split('.')[1])
  expect(known.filter((member) => member !== 'presetRef' && !told.includes(member))).toEqual([])
})
