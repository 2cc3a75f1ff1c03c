import { isBareText } from './bare-text.ts'
import { refused, rendered, type Format } from './format.ts'

/** Words that npm takes for values of other types. */
const words: readonly string[] = ['true', 'false', 'null', 'undefined']

/** The token of one registry, on a line that begins as its URL does after the scheme. */
export const npmrc: Format = {
  key: '.npmrc',
  readerMarginSeconds: 0,
  parameters: { host: 'required', path: 'optional' },
  render: ({ text, output: { host, path } }) => {
    if (!isBareText(text)) return refused('the access token has characters that npm does not read back unchanged')
    if (words.includes(text)) return refused('the access token is a word that npm does not take for a text')
    return rendered(`//${host}/${path === undefined ? '' : `${path}/`}:_authToken=${text}\n`)
  },
}
