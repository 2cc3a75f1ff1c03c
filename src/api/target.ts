import * as z from 'zod'
import { defaultKeysText, outputFormats, publishedKey, publishedKeyCel } from './output-keys.ts'
import { fieldNames, functionArity } from '../domain/template/template.ts'
import { constrained, exactlyOneOf } from './rule.ts'
import { dataKey, objectName } from './scalars.ts'
import { templateText } from './template-text.ts'

const output = constrained(
  z.strictObject({
    format: z
      .enum(outputFormats)
      .describe(
        'What is written. raw: the bare access token. header: one HTTP header line, "Authorization: Bearer" and the token. ' +
          'dotenv: one line NAME=token. oauth2-json: a JSON object with the names of RFC 6749 section 5.1, and expires_at. ' +
          'vibekit: the token file that VibeKit reads. claude-code: the .credentials.json that Claude Code reads. ' +
          'No format carries the refresh token.',
      )
      .optional(),
    key: dataKey.describe(`Key of the Secret's data, or file name. Default: ${defaultKeysText}.`).optional(),
    template: templateText
      .describe(
        'What is written, where no format is right: text with actions between two braces, such as ' +
          '"Bearer {{ .accessToken }}". A small subset of the templates of Helm: the fields ' +
          `${fieldNames.map((name) => `.${name}`).join(', ')}, and pipelines of the functions ` +
          `${Object.keys(functionArity).join(', ')}. Needs a key.`,
      )
      .optional(),
    variable: z
      .string()
      .min(1, { abort: true })
      .max(128)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable, such as ACCESS_TOKEN')
      .describe('Name of the environment variable. Required for the format dotenv, not allowed for others.')
      .optional(),
  }),
  exactlyOneOf('format', 'template'),
  {
    cel: '!has(self.template) || has(self.key)',
    message: 'is required with a template',
    field: 'key',
    holds: ({ template, key }) => template === undefined || key !== undefined,
  },
  {
    cel: "!has(self.format) || self.format != 'dotenv' || has(self.variable)",
    message: 'is required for the format dotenv',
    field: 'variable',
    holds: ({ format, variable }) => format !== 'dotenv' || variable !== undefined,
  },
  {
    cel: "!has(self.variable) || (has(self.format) && self.format == 'dotenv')",
    message: 'is only for the format dotenv',
    field: 'variable',
    holds: ({ format, variable }) => format === 'dotenv' || variable === undefined,
  },
).describe('One file of the target.')

const outputs = constrained(z.array(output).min(1).max(16), {
  cel: `self.all(a, self.exists_one(b, ${publishedKeyCel('b')} == ${publishedKeyCel('a')}))`,
  message: 'must have different keys; two outputs without key have the same one when their format is the same',
  holds: keysDiffer,
})

function keysDiffer(items: readonly unknown[]): boolean {
  const keys = items
    .map((item) => (typeof item === 'object' && item !== null ? publishedKey(item) : undefined))
    .filter((key) => key !== undefined)
  return new Set(keys).size === keys.length
}

export const target = z
  .strictObject({
    name: objectName.describe(
      'Name of the Secret, in the namespace of the credential, that the access token is published in; without a cluster, of the directory.',
    ),
    outputs: outputs
      .default([{ format: 'raw' }])
      .describe('The files of the target, at least one, each under its own key. Default: one of format raw.')
      .meta({ 'x-kubernetes-list-type': 'atomic' }),
    creationPolicy: z
      .enum(['Owner', 'Merge', 'Orphan'])
      .default('Owner')
      .describe(
        'Owner: the operator creates the Secret and owns it. Merge: the operator writes its keys into a Secret that somebody else made ' +
          'and leaves the others alone. Orphan: the operator creates the Secret without an owner reference. Default: Owner.',
      ),
    deletionPolicy: z
      .enum(['Delete', 'Retain'])
      .default('Delete')
      .describe(
        'What becomes of the published token when the credential is deleted. Delete: it is removed; under Merge only the keys of this ' +
          'credential are. Retain: it stays until it expires. Default: Delete.',
      ),
  })
  .describe('Where workloads find the access token.')
