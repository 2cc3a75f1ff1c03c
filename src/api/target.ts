import * as z from 'zod'
import { outputFormats } from '../domain/output-format.ts'
import { fieldNames, functionArity } from '../domain/template/template.ts'
import { defaultKeysText, publishedKeys, publishedKeysCel } from './output-keys.ts'
import { parameterRules, parameterSchemas } from './output-parameters.ts'
import { isObject } from './json.ts'
import { constrained, exactlyOneOf, type Rule } from './rule.ts'
import { dataKey, objectName } from './scalars.ts'
import { intervalNeedsRestart, targetConsumers } from './target-consumers.ts'
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

const previous = z
  .strictObject({
    key: dataKey
      .default('previous_access_token')
      .describe('Key of the data, or file name. Default: previous_access_token.'),
  })
  .describe(
    'Keep the access token before the present one under a key of its own until it expires, for readers that have just read it. The ' +
      'key is always there; it is empty while there is no such token: at first, after another login, and where a refresh ends the token ' +
      'before. Needs an output of the format raw. Not for the grant StaticToken. Default: it is not kept.',
  )

interface WithPrevious {
  readonly previous?: unknown
  readonly outputs?: unknown
}

/** A process that starts takes the token from there. */
const bareBesidePrevious: Rule<WithPrevious> = {
  cel: "!has(self.previous) || self.outputs.exists(output, has(output.format) && output.format == 'raw')",
  message: 'must be beside an output of the format raw in spec.target.outputs',
  field: 'previous',
  holds: ({ previous: wanted, outputs: given }) => wanted === undefined || hasBareToken(given),
}

const previousHasItsKey: Rule<WithPrevious> = {
  cel: `!has(self.previous) || !self.outputs.exists(output, self.previous.key in ${publishedKeysCel('output')})`,
  message: 'must have another key than the outputs',
  field: 'previous',
  holds: ({ previous: wanted, outputs: given }) => {
    const key = isObject(wanted) ? wanted['key'] : undefined
    return key === undefined || !itemsOf(given).some((item) => isObject(item) && publishedKeys(item).includes(key))
  },
}

/** True when the bare access token is among the outputs of a manifest. */
function hasBareToken(given: unknown): boolean {
  return itemsOf(given).some((item) => isObject(item) && item['format'] === 'raw')
}

/** True for the target of a manifest in which the bare access token is. Without outputs it is. */
export function publishesBareToken(place: unknown): boolean {
  if (!isObject(place)) return false
  return place['outputs'] === undefined || hasBareToken(place['outputs'])
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
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
          'under Merge only the keys of this credential are. Retain: it stays as it is, and nobody refreshes it. Default: Delete.',
      ),
    type: targetType,
    ...targetMarks,
    ...targetConsumers,
    previous: previous.optional(),
  }),
  ...typeRules,
  notWithMerge('labels'),
  notWithMerge('annotations'),
  intervalNeedsRestart,
  bareBesidePrevious,
  previousHasItsKey,
).describe('Where workloads find the access token.')
