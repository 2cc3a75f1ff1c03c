import { formatDemands, outputKey } from '../domain/formats.ts'
import { outputFormats } from '../domain/output-format.ts'

const defaults: ReadonlyMap<unknown, string> = new Map(outputFormats.map((format) => [format, outputKey({ format })]))

const besides: ReadonlyMap<unknown, string> = new Map(
  outputFormats.flatMap((format) => {
    const { beside } = formatDemands(format)
    return beside === undefined ? [] : [[format, beside] as const]
  }),
)

/** The key of an output that names none, format by format, in words. */
export const defaultKeysText = [...defaults].map(([format, key]) => `${key} for ${String(format)}`).join(', ')

/** The CEL expression of the keys that the output `item` is published under, as a list. */
export function publishedKeysCel(item: string): string {
  const own = `[has(${item}.key) ? ${item}.key : has(${item}.format) ? ${celMap(defaults)}[${item}.format] : '']`
  const beside = `has(${item}.format) && ${item}.format in ${celMap(besides)} ? [${celMap(besides)}[${item}.format]] : []`
  return `(${own} + (${beside}))`
}

function celMap(map: ReadonlyMap<unknown, string>): string {
  return `{${[...map].map(([name, value]) => `'${String(name)}': '${value}'`).join(', ')}}`
}

/** The keys that an output of a manifest is published under, as far as the manifest says. */
export function publishedKeys(output: { readonly key?: unknown; readonly format?: unknown }): readonly unknown[] {
  return [output.key ?? defaults.get(output.format), besides.get(output.format)].filter((key) => key !== undefined)
}
