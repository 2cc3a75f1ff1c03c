import { refused, rendered, type Format } from './format.ts'

/** POSIX environment variable names. */
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * What sh, Node, npm's dotenv, kubectl and docker all take bare and alike. There is no quoting that
 * they agree on: kubectl and docker keep the quotes.
 */
const bareText = /^[A-Za-z0-9._~+/=:@%,-]+$/

/** sh replaces a tilde by a home directory at the start of a value and after a colon. */
const homeDirectory = /(^|:)~/

/** One `NAME=value` line, unquoted. */
export const dotenv: Format = {
  key: '.env',
  readerMarginSeconds: 0,
  render: (token, { variable }) => {
    const value = token.value.reveal()
    if (variable === undefined || !variableName.test(variable)) return refused('it names no valid variable')
    if (!bareText.test(value)) return refused('the access token has characters that env file readers do not read alike')
    if (homeDirectory.test(value)) return refused('the access token has a tilde where a shell puts a home directory')
    return rendered(`${variable}=${value}\n`)
  },
}
