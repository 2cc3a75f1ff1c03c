import * as z from 'zod'
import { constrained } from './rule.ts'
import { mapOf } from './scalars.ts'

const reservedParameters = [
  'grant_type',
  'refresh_token',
  'client_id',
  'client_secret',
  'scope',
  'client_assertion',
  'client_assertion_type',
] as const

const parameters = constrained(
  mapOf(z.string().max(1024), 32),
  {
    cel: "self.all(name, name.matches('^[a-zA-Z0-9_.:-]{1,128}$'))",
    message: 'must have names of 1 to 128 letters, digits and any of _ . : -',
    holds: (value) => Object.keys(value).every((name) => /^[a-zA-Z0-9_.:-]{1,128}$/.test(name)),
  },
  {
    cel: `self.all(name, !(name in ${celList(reservedParameters)}))`,
    message: `must not set what the operator sets itself: ${reservedParameters.join(', ')}`,
    holds: (value) => reservedParameters.every((name) => value[name] === undefined),
  },
)

const reservedHeaders = [
  'accept-encoding',
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const

const headerValue = z
  .string()
  .max(1024)
  .regex(/^([\x21-\x7E]([\x20-\x7E]*[\x21-\x7E])?)?$/, 'must be printable ASCII without space at its ends')

const headers = constrained(
  mapOf(headerValue, 32),
  {
    cel: "self.all(name, name.matches('^[a-zA-Z0-9_-]{1,128}$'))",
    message: 'must have names of 1 to 128 letters, digits, _ and -',
    holds: (value) => Object.keys(value).every((name) => /^[a-zA-Z0-9_-]{1,128}$/.test(name)),
  },
  {
    cel: `self.all(name, !(name.lowerAscii() in ${celList(reservedHeaders)}))`,
    message: `must not set what the operator sets itself: ${reservedHeaders.join(', ')}`,
    holds: (value) => {
      const names = new Set(Object.keys(value).map((name) => name.toLowerCase()))
      return reservedHeaders.every((name) => !names.has(name))
    },
  },
)

function celList(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(', ')}]`
}

/** `spec.request` of a provider. */
export const requestForm = z.strictObject({
  bodyFormat: z
    .enum(['form', 'json'])
    .describe(
      'form: application/x-www-form-urlencoded, as RFC 6749 says. json: a JSON object, for servers that want one. Default: form.',
    )
    .optional(),
  parameters: parameters
    .describe(
      'More parameters for the request body, such as audience. Not secret: anybody who may read this object sees them. Default: none.',
    )
    .optional(),
  headers: headers
    .describe('More request headers. Not secret: anybody who may read this object sees them. Default: none.')
    .optional(),
})
