import * as z from 'zod'
import { outputFormats } from '../domain/output-format.ts'
import { fieldNames, functionArity } from '../domain/template/template.ts'
import { defaultKeysText, publishedKeys, publishedKeysCel } from './output-keys.ts'
import { parameterRules, parameterSchemas } from './output-parameters.ts'
import { constrained, exactlyOneOf } from './rule.ts'
import { dataKey, objectName } from './scalars.ts'
import { notWithMerge, targetMarks } from './target-marks.ts'
import { targetType, typeRules } from './target-type.ts'
import { templateText } from './template-text.ts'

const output = constrained(
  z.strictObject({
    format: z
      .enum(outputFormats)
      .describe(
        'What is written. raw: the bare access token. header: one HTTP header line, "Authorization: Bearer" and the token. ' +
          'dotenv: one line NAME=token. oauth2-json: a JSON object with the names of RFC 6749 section 5.1, and expires_at. ' +
          'basic-auth: the token as a password, and the username under the key username. ' +
          'envoy-sds: a secret for the credential injector of Envoy. ' +
          'vibekit, claude-code, codex, gemini-cli, qwen-code, opencode, llxprt, docker-config, netrc, git-credentials, gh-hosts, ' +
          'npmrc, pip, cargo, terraform: the file in which the program of that name looks for its login. ' +
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
    ...parameterSchemas,
  }),
  exactlyOneOf('format', 'template'),
  {
    cel: '!has(self.template) || has(self.key)',
    message: 'is required with a template',
    field: 'key',
    holds: ({ template, key }) => template === undefined || key !== undefined,
  },
  ...parameterRules,
).describe('One file of the target.')

const outputs = constrained(z.array(output).min(1).max(16), {
  cel: `self.all(a, self.exists_one(b, ${publishedKeysCel('b')}.exists(key, key in ${publishedKeysCel('a')})))`,
  message: 'must have different keys; two outputs without key have the same one when their format is the same',
  holds: keysDiffer,
})

function keysDiffer(items: readonly unknown[]): boolean {
  const keys = items.flatMap((item) => (typeof item === 'object' && item !== null ? publishedKeys(item) : []))
  return new Set(keys).size === keys.length
}

export const target = constrained(
  z.strictObject({
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
        'What becomes of the published token when the credential is deleted, or its target gets another name. Delete: it is removed; ' +
          'under Merge only the keys of this credential are. Retain: it stays until it expires. Default: Delete.',
      ),
    type: targetType,
    ...targetMarks,
  }),
  ...typeRules,
  notWithMerge('labels'),
  notWithMerge('annotations'),
).describe('Where workloads find the access token.')
