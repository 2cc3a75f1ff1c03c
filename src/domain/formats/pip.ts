import { rendered, type Format } from './format.ts'
import { percentEncoded } from './percent-encoded.ts'

/**
 * The configuration of pip with one package index. It is `index-url`, which replaces the public index;
 * beside an extra one, anybody could publish a package under the name of a private one.
 */
export const pip: Format = {
  key: 'pip.conf',
  readerMarginSeconds: 0,
  parameters: { host: 'required', username: 'required', path: 'optional' },
  render: ({ text, output: { host, username = '', path = 'simple' } }) =>
    rendered(`[global]\nindex-url = https://${percentEncoded(username)}:${percentEncoded(text)}@${host}/${path}/\n`),
}
