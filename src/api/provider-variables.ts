import * as z from 'zod'
import type { Variable } from '../domain/provider-draft.ts'
import { formPatterns } from '../domain/provider-template.ts'
import { constrained, type Rule } from './rule.ts'
import { mapOf, objectName } from './scalars.ts'

const value = z
  .string()
  .min(1, { abort: true })
  .max(253)
  .regex(/^[a-zA-Z0-9._~:/-]+$/, 'must be made of letters, digits and any of . _ ~ : / -')

const forms = ['HostLabel', 'HostName', 'HostAndPort', 'PathSegment', 'Path'] as const

function isOfForm(form: unknown, text: unknown): boolean {
  const known = forms.find((name) => name === form)
  return known === undefined || typeof text !== 'string' || new RegExp(formPatterns[known]).test(text)
}

const celOfForm = (text: string) =>
  forms.map((form) => `(self.form != '${form}' || ${text}.matches(r'${formPatterns[form]}'))`).join(' && ')

type Written = { readonly [K in keyof Variable]?: unknown }

const variableRules: readonly Rule<Written>[] = [
  {
    cel: `!has(self.default) || (${celOfForm('self.default')})`,
    message: 'must be of the form',
    field: 'default',
    holds: (variable) => isOfForm(variable.form, variable.default),
  },
  {
    cel: `!has(self.allowed) || self.allowed.all(text, ${celOfForm('text')})`,
    message: 'must be of the form',
    field: 'allowed',
    holds: ({ form, allowed }) => !Array.isArray(allowed) || allowed.every((text) => isOfForm(form, text)),
  },
  {
    cel: '!has(self.default) || !has(self.allowed) || self.default in self.allowed',
    message: 'must be one of allowed',
    field: 'default',
    holds: (variable) =>
      variable.default === undefined || !Array.isArray(variable.allowed) || variable.allowed.includes(variable.default),
  },
]

const variable = constrained(
  z.strictObject({
    description: z.string().max(512).describe('What it is, for people.').optional(),
    form: z
      .enum(forms)
      .describe(
        'What a value looks like. HostLabel: part of a host name, without dots. HostName: a host name. HostAndPort: one that may have a port ' +
          'behind a colon. PathSegment: part of a path, without slashes. Path: parts of a path joined by slashes. Only the first three may stand ' +
          'in the host of an endpoint, so that no value leads to another host than the endpoint allows.',
      ),
    allowed: z
      .array(value)
      .min(1, { abort: true })
      .max(32)
      .describe('The only values. Default: every one of the form.')
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional(),
    default: value.describe('The value when none is given. Default: one has to be given.').optional(),
  }),
  ...variableRules,
).describe('One variable.')

const namePattern = '^[a-zA-Z][a-zA-Z0-9]{0,31}$'

const named: Rule<Readonly<Record<string, unknown>>> = {
  cel: `self.all(name, name.matches('${namePattern}'))`,
  message: 'must have names of 1 to 32 letters and digits that begin with a letter',
  holds: (map) => Object.keys(map).every((name) => new RegExp(namePattern).test(name)),
}

/** `spec.variables` of a cluster-scoped provider. */
export const providerVariables = constrained(mapOf(variable, 16), named)
  .describe(
    'What stands for the names in braces in the endpoints: https://{tenant}.example.com/token has the variable tenant. Whoever names this ' +
      'provider in presetRef gives the values. Default: none.',
  )
  .optional()

/** `spec.presetRef` of a provider. */
export const presetRef = z
  .strictObject({
    name: objectName.describe('Name of the ClusterOAuthProvider. It must not have a presetRef itself.'),
    values: constrained(mapOf(value, 16), named)
      .describe('Values of its variables, by their names. Default: the defaults of the variables.')
      .optional(),
  })
  .describe(
    'A ClusterOAuthProvider that says what this object does not say, member by member; lists are taken whole. Whoever gives issuer or ' +
      'tokenEndpoint inherits no endpoint at all. An OAuthProvider inherits no reference to a Secret; a ClusterOAuthProvider does so only together ' +
      'with the client and all endpoints. ' +
      'Default: none.',
  )
  .optional()
