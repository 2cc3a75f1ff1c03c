import * as z from 'zod'
import { formatDemands } from '../domain/formats.ts'
import { parameterSyntax } from '../domain/formats/parameter-syntax.ts'
import { formatParameters, outputFormats, type FormatParameter, type OutputFormat } from '../domain/output-format.ts'
import type { Rule } from './rule.ts'

const meanings: Readonly<Record<FormatParameter, string>> = {
  variable: 'Name of the environment variable.',
  host: 'Host that the token is for, with its port where that is not 443.',
  path: 'Path below the host, without slashes at its ends.',
  username: 'Name that is sent beside the token, where the token stands in for a password.',
  name: "Name that the reader's own configuration has for what the token is for: a provider, a registry or a secret.",
  accountId: 'Id of the account that the token belongs to.',
}

type Manifest = Readonly<Partial<Record<FormatParameter | 'format', unknown>>>

function takers(name: FormatParameter): { readonly required: OutputFormat[]; readonly all: OutputFormat[] } {
  const required = outputFormats.filter((format) => formatDemands(format).required.includes(name))
  const all = outputFormats.filter(
    (format) => required.includes(format) || formatDemands(format).optional.includes(name),
  )
  return { required, all }
}

function words(formats: readonly OutputFormat[]): string {
  return `the format${formats.length === 1 ? '' : 's'} ${formats.join(', ')}`
}

function celList(formats: readonly OutputFormat[]): string {
  return `[${formats.map((format) => `'${format}'`).join(', ')}]`
}

function parameter(name: FormatParameter) {
  const { pattern, maxLength, message } = parameterSyntax[name]
  const { required, all } = takers(name)
  const optional = all.filter((format) => !required.includes(format))
  const parts = [
    meanings[name],
    ...(required.length > 0 ? [`Required for ${words(required)}.`] : []),
    ...(optional.length > 0 ? [`Optional for ${words(optional)}.`] : []),
    'Not allowed for others.',
  ]
  return z.string().min(1, { abort: true }).max(maxLength).regex(pattern, message).describe(parts.join(' ')).optional()
}

/** The schemas of all parameters, each optional: the rules say which format needs and which forbids it. */
export const parameterSchemas = {
  variable: parameter('variable'),
  host: parameter('host'),
  path: parameter('path'),
  username: parameter('username'),
  name: parameter('name'),
  accountId: parameter('accountId'),
} satisfies Readonly<Record<FormatParameter, z.ZodType>>

function isOneOf(format: unknown, formats: readonly unknown[]): boolean {
  return formats.includes(format)
}

function demanded(name: FormatParameter): readonly Rule<Manifest>[] {
  const { required, all } = takers(name)
  const missing = {
    cel: `!has(self.format) || !(self.format in ${celList(required)}) || has(self.${name})`,
    message: `is required for ${words(required)}`,
    field: name,
    holds: (value: Manifest) => !isOneOf(value.format, required) || value[name] !== undefined,
  }
  const foreign = {
    cel: `!has(self.${name}) || (has(self.format) && self.format in ${celList(all)})`,
    message: `is only for ${words(all)}`,
    field: name,
    holds: (value: Manifest) => value[name] === undefined || isOneOf(value.format, all),
  }
  return required.length > 0 ? [missing, foreign] : [foreign]
}

const portless = outputFormats.filter((format) => formatDemands(format).hostWithoutPort)

const withoutPort: Rule<Manifest> = {
  cel: `!has(self.host) || !has(self.format) || !(self.format in ${celList(portless)}) || !self.host.contains(':')`,
  message: `must have no port for ${words(portless)}`,
  field: 'host',
  holds: ({ format, host }) => !isOneOf(format, portless) || typeof host !== 'string' || !host.includes(':'),
}

/** Which parameters a format needs, and which it does not have. */
export const parameterRules: readonly Rule<Manifest>[] = [...formatParameters.flatMap(demanded), withoutPort]
