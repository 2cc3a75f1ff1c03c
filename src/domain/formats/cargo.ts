import { rendered, type Format } from './format.ts'

/**
 * The token of one registry of cargo, which sends it as it is: so the scheme belongs into it.
 * A JSON text of printable ASCII is a TOML text too.
 */
export const cargo: Format = {
  key: 'credentials.toml',
  readerMarginSeconds: 0,
  parameters: { name: 'required' },
  render: ({ text, output: { name } }) =>
    rendered(`[registries.${name}]\ntoken = ${JSON.stringify(`Bearer ${text}`)}\n`),
}
