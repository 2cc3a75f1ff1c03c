import type { OutputFormat } from '../domain/credential.ts'
import { outputKey } from '../domain/formats.ts'

/** Every output format, in the order in which they are told. */
export const outputFormats = [
  'raw',
  'header',
  'dotenv',
  'oauth2-json',
  'vibekit',
  'claude-code',
] as const satisfies readonly OutputFormat[]

const defaults: ReadonlyMap<unknown, string> = new Map(outputFormats.map((format) => [format, outputKey({ format })]))

/** The key of an output that names none, format by format, in words. */
export const defaultKeysText = [...defaults].map(([format, key]) => `${key} for ${String(format)}`).join(', ')

/** The CEL expression of the key that the output `item` is published under. */
export function publishedKeyCel(item: string): string {
  const map = [...defaults].map(([format, key]) => `'${String(format)}': '${key}'`).join(', ')
  return `(has(${item}.key) ? ${item}.key : has(${item}.format) ? {${map}}[${item}.format] : '')`
}

/** The key that an output of a manifest is published under; undefined while the manifest does not say. */
export function publishedKey(output: { readonly key?: unknown; readonly format?: unknown }): unknown {
  return output.key ?? defaults.get(output.format)
}
