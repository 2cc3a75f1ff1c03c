import { rendered, type Format } from './format.ts'
import { percentEncoded } from './percent-encoded.ts'

/** What `git credential-store` reads: one URL. The whole of scheme, host and port must be that of the remote. */
export const gitCredentials: Format = {
  key: '.git-credentials',
  readerMarginSeconds: 0,
  parameters: { host: 'required', username: 'required' },
  render: ({ text, output: { host, username = '' } }) =>
    rendered(`https://${percentEncoded(username)}:${percentEncoded(text)}@${host}\n`),
}
