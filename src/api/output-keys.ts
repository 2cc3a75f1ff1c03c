import type { OutputFormat } from '../domain/credential.ts'

/** The data key of an output that names none. */
export const defaultOutputKeys = {
  raw: 'access_token',
  header: 'authorization',
  dotenv: '.env',
  'oauth2-json': 'token.json',
  vibekit: 'claude-oauth-token.json',
  'claude-code': '.credentials.json',
} as const satisfies Record<OutputFormat, string>

/** What {@link defaultOutputKeys} says, as a CEL map. */
export const defaultOutputKeysCel = `{${Object.entries(defaultOutputKeys)
  .map(([format, key]) => `'${format}': '${key}'`)
  .join(', ')}}`

/** The key that an output is published under; undefined when the manifest does not say. */
export function outputKey(output: { readonly key?: unknown; readonly format?: unknown }): unknown {
  if (output.key !== undefined) return output.key
  return Object.entries(defaultOutputKeys).find(([format]) => format === output.format)?.[1]
}
