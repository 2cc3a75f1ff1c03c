import type { FormatParameter, FormatParameters } from '../output-format.ts'

/** What a parameter may be, alike for every format: nothing that one of the files could take for its own syntax. */
interface ParameterSyntax {
  readonly pattern: RegExp
  readonly maxLength: number
  /** Reads after the field's path. */
  readonly message: string
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const port = '(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?'

export const parameterSyntax: Readonly<Record<FormatParameter, ParameterSyntax>> = {
  variable: {
    pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
    maxLength: 128,
    message: 'must be the name of an environment variable, such as ACCESS_TOKEN',
  },
  host: {
    pattern: new RegExp(`^${label}([.]${label})*${port}$`),
    maxLength: 259,
    message: 'must be a host in lower case, with a port if need be, such as registry.example.com:5000',
  },
  path: {
    pattern: /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/,
    maxLength: 512,
    message:
      'must be parts joined by /, none of them empty or beginning with a dot, of letters, digits and any of . _ -',
  },
  username: {
    pattern: /^[A-Za-z0-9_$][A-Za-z0-9._@$+=/-]*$/,
    maxLength: 256,
    message: 'must begin with a letter, a digit, _ or $, and have only those and any of . @ + = / -',
  },
  name: {
    pattern: /^[A-Za-z0-9][A-Za-z0-9_-]*$/,
    maxLength: 128,
    message: 'must be made of letters, digits and any of _ -, and begin with a letter or a digit',
  },
  accountId: {
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    maxLength: 128,
    message: 'must be made of letters, digits and any of . _ -, and begin with a letter or a digit',
  },
}

/** True when the parameter is there and could be nothing but itself in any file. */
export function isWellFormed(name: FormatParameter, parameters: FormatParameters): boolean {
  const value = parameters[name]
  const { pattern, maxLength } = parameterSyntax[name]
  return value !== undefined && value.length <= maxLength && pattern.test(value)
}
