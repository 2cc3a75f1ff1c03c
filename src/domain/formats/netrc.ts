import { refused, rendered, type Format } from './format.ts'

/** What Python from 3.8 on and curl read alike: they disagree about quotes and backslashes, and blanks end a field. */
const readAlike = /^[^ "'\\#][^ "'\\]*$/

/** curl drops a line of more than about 4090 bytes without a word. */
const longestToken = 4000

/** One machine, with a field on each line so that a long token does not push its own line over the limit. */
export const netrc: Format = {
  key: '.netrc',
  readerMarginSeconds: 0,
  parameters: { host: 'required', username: 'required' },
  hostWithoutPort: true,
  render: ({ text, output: { host, username } }) => {
    if (!readAlike.test(text)) return refused('the access token has characters that readers of netrc do not read alike')
    if (text.length > longestToken)
      return refused(`the access token is longer than the ${longestToken} bytes that curl reads`)
    return rendered(`machine ${host}\nlogin ${username}\npassword ${text}\n`)
  },
}
