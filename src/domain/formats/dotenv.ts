import { isBareText } from './bare-text.ts'
import { refused, rendered, type Format } from './format.ts'

/** sh replaces a tilde by a home directory at the start of a value and after a colon. */
const homeDirectory = /(^|:)~/

/** One `NAME=value` line, unquoted. */
export const dotenv: Format = {
  key: '.env',
  readerMarginSeconds: 0,
  parameters: { variable: 'required' },
  anyTokenType: true,
  render: ({ text, output: { variable } }) => {
    if (!isBareText(text)) return refused('the access token has characters that env file readers do not read alike')
    if (homeDirectory.test(text)) return refused('the access token has a tilde where a shell puts a home directory')
    return rendered(`${variable}=${text}\n`)
  },
}
