import fc from 'fast-check'

/** What readers without any quoting take: tokens as OAuth servers issue them, and a few signs more. */
const ordinaryToken = fc.stringMatching(/^[A-Za-z0-9._~+/=:@%,-]{1,40}$/)

/** Ordinary tokens, and texts that some file could take for its own syntax. */
export const hostileToken = fc.oneof(
  ordinaryToken,
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.stringMatching(/^[ -~]{1,40}$/),
  fc.stringMatching(/^[\n\r\0\t "'`$(){}#\\;&|<>*?!~:=%^[\]é\u2028aB9]{0,20}$/),
  fc
    .tuple(
      ordinaryToken,
      fc.constantFrom('\n', '\0', ' #c', ':~', '$(id)', '${HOME}', '%0A', '\\n', '"', "'", '\nlogin x'),
    )
    .map((parts) => parts.join('')),
)
