import type { ProviderDraft, ProviderSpec, Variable, VariableForm } from './provider-draft.ts'
import { present } from './present.ts'
import { providerText } from './provider.ts'
import type { Problem } from './resources.ts'

const label = '[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
const hostName = String.raw`${label}(\.${label})*`
// Neither `.` nor `..`, which a path would be shortened by.
const segment = String.raw`(\.*[a-zA-Z0-9_~-][a-zA-Z0-9._~-]*|\.{3,})`

/** What a value of each form looks like, for JavaScript and for RE2. None of them can hold `@`, `#`, `?` or `%`. */
export const formPatterns: Readonly<Record<VariableForm, string>> = {
  HostLabel: `^${label}$`,
  HostName: `^${hostName}$`,
  HostAndPort: `^${hostName}(:[0-9]{1,5})?$`,
  PathSegment: `^${segment}$`,
  Path: `^${segment}(/${segment})*$`,
}

/** Forms whose values may stand in the host of a URL. */
export const hostForms: readonly VariableForm[] = ['HostLabel', 'HostName', 'HostAndPort']

/** Like formPatterns, in words: "must be …". */
const formTexts: Readonly<Record<VariableForm, string>> = {
  HostLabel: 'a part of a host name without dots, such as acme',
  HostName: 'a host name, such as login.example.com',
  HostAndPort: 'a host name, such as login.example.com, or one with a port behind a colon',
  PathSegment: 'a part of a path without slashes: letters, digits and any of . _ ~ -',
  Path: 'parts of a path joined by single slashes: letters, digits and any of . _ ~ -',
}

/** A placeholder is the name of a variable in braces. */
export const placeholder = '[{][a-zA-Z][a-zA-Z0-9]*[}]'

const placeholders = new RegExp(placeholder, 'g')

/** What the values of the placeholders must leave. */
const absoluteUrl = new RegExp(
  String.raw`^https?://(\[[0-9a-fA-F:.]+\]|${hostName})(:[0-9]{1,5})?(/[^\s?#{}]*)?([?][^\s#{}]*)?$`,
)

interface FilledIn {
  readonly spec: ProviderSpec
  readonly problems: readonly Problem[]
}

interface Filling {
  readonly variables: Readonly<Record<string, Variable>>
  readonly values: Readonly<Record<string, string>>
  /** Where a value that is missing has to be given. */
  readonly missing: (name: string) => Problem
}

/** The spec with a value for each placeholder in its endpoints. The variables are those of `base`, if there is one. */
export function filledIn(draft: ProviderDraft, base: ProviderDraft | undefined): FilledIn {
  const { variables = {} } = base ?? draft
  const { values = {} } = draft.presetRef ?? {}
  const filling: Filling = { variables, values, missing: (name) => missingValue(name, base) }
  const { issuer, tokenEndpoint, refreshEndpoint, revocationEndpoint, introspection, ...spec } = draft.spec
  const wrong = valueProblems(filling, base)
  const problems: Problem[] = [...wrong]
  const fill = (field: string, template: string | undefined) => {
    if (template === undefined || !template.includes('{')) return template
    const filled = filledTemplate(template, filling)
    problems.push(...filled.missing)
    // What a value that is wrong makes of the URL is not worth telling as well.
    if (!filled.isUrl && wrong.length === 0) problems.push({ field: `spec.${field}`, message: unfit })
    return filled.url
  }
  const urls = {
    issuer: fill('issuer', issuer),
    tokenEndpoint: fill('tokenEndpoint', tokenEndpoint),
    refreshEndpoint: fill('refreshEndpoint', refreshEndpoint),
    revocationEndpoint: fill('revocationEndpoint', revocationEndpoint),
  }
  const endpoint = fill('introspection.endpoint', introspection?.endpoint)
  return {
    spec: {
      ...spec,
      ...present(urls),
      ...(introspection !== undefined && { introspection: present({ endpoint }) }),
    },
    problems: distinct(problems),
  }
}

const unfit = 'must be an absolute URL once its placeholders are filled in'

function filledTemplate(template: string, { variables, values, missing }: Filling) {
  const problems: Problem[] = []
  const url = template.replaceAll(placeholders, (text) => {
    const name = text.slice(1, -1)
    const value = own(values, name) ?? own(variables, name)?.default
    if (value === undefined) problems.push(missing(name))
    return value ?? 'x'
  })
  return { url, isUrl: absoluteUrl.test(url), missing: problems }
}

function missingValue(name: string, base: ProviderDraft | undefined): Problem {
  return base === undefined
    ? {
        field: `spec.variables.${name}`,
        message: 'is required to have a value: name this provider in spec.presetRef of another one, and give it there',
      }
    : {
        field: `spec.presetRef.values.${name}`,
        message: `is required: the endpoints of ${providerText(base)} have a place for it`,
      }
}

function valueProblems({ variables, values }: Filling, base: ProviderDraft | undefined): Problem[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const variable = own(variables, name)
    const message = variable === undefined ? unknownVariable(variables, base) : valueProblem(variable, value)
    return message === undefined ? [] : [{ field: `spec.presetRef.values.${name}`, message }]
  })
}

function unknownVariable(variables: Filling['variables'], base: ProviderDraft | undefined): string {
  const known = Object.keys(variables).toSorted().join(', ') || 'none'
  return `is not a variable of ${base === undefined ? 'the preset' : providerText(base)}; known there: ${known}`
}

/** Why the value is not one of this variable; reads after its field. */
function valueProblem({ form, allowed }: Variable, value: string): string | undefined {
  if (!new RegExp(formPatterns[form]).test(value)) return `must be ${formTexts[form]}`
  return allowed === undefined || allowed.includes(value) ? undefined : `must be one of ${allowed.join(', ')}`
}

/** A name such as `constructor` is no variable unless somebody made it one. */
function own<T>(map: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined
}

function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [problem.field, problem])).values()]
}
