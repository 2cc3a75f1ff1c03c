import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemTextCodec } from '../../../src/adapters/system/text-codec.ts'
import { parseTemplate } from '../../../src/domain/template/parse-template.ts'
import { renderTemplate, type TemplateFields } from '../../../src/domain/template/render-template.ts'
import { fieldNames, functionArity, templateLimits } from '../../../src/domain/template/template.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const token = canary('at')
const fields: TemplateFields = {
  accessToken: token,
  tokenType: 'Bearer',
  scope: 'read write',
  expiresAt: '2027-01-15T08:00:00Z',
  expiresAtUnix: 1_800_000_000,
}

/** What a template renders to; for a refusal its message, which is scanned for the token. */
function outcome(text: string, values: TemplateFields = fields): string {
  const parsed = parseTemplate(text)
  const result = parsed.ok ? renderTemplate(parsed.template, values, systemTextCodec) : parsed
  if (result.ok) return result.text
  observeOutput('refusal of a template', result.message)
  return `refused: ${result.message}`
}

describe('a template', () => {
  const base64 = Buffer.from(token).toString('base64')
  const golden: Readonly<Record<string, readonly [template: string, text: string]>> = {
    'without actions is itself': ['plain } text {', 'plain } text {'],
    'that is empty is empty': ['', ''],
    'names a field': ['Bearer {{ .accessToken }}', `Bearer ${token}`],
    'needs no blanks': ['{{.accessToken}}{{.tokenType}}', `${token}Bearer`],
    'writes numbers in full': ['{{ .expiresAtUnix }}', '1800000000'],
    'pipes a field into a function': ['{{ .accessToken | b64enc }}', base64],
    'pipes through several': ['{{ .accessToken | b64enc | quote }}', `"${base64}"`],
    'calls a function with its argument': ['{{ b64enc .accessToken }}', base64],
    'gives the piped value last': ['{{ .idToken | default "none" }}', 'none'],
    'stands a default in for what is empty': ['{{ default "none" .scope }}', 'none'],
    'keeps what is there from a default': ['{{ .tokenType | default "none" }}', 'Bearer'],
    'decodes what it encoded': ['{{ .accessToken | b64enc | b64dec }}', token],
    'writes JSON': ['{{ .scope | toJson }}', '"read \\u003cwrite\\u003e"'],
    'writes numbers as JSON': ['{{ .expiresAtUnix | toJson }}', '1800000000'],
    trims: ['{{ " \\t a b\\n" | trim }}', 'a b'],
    'changes case': ['{{ .tokenType | upper }}{{ .tokenType | lower }}', 'BEARERbearer'],
    hashes: ['{{ "abc" | sha256sum }}', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    'knows both kinds of strings': ['{{ "a\\"\\u00e9}}" }}{{ `\\n{{` }}', 'a"é}}\\n{{'],
    'takes white space away where told': ['a \n {{- .tokenType -}} \n b', 'aBearerb'],
    'takes a minus that is not apart for what it is': ['a {{ -1 }}', 'a -1'],
    'leaves comments out': ['a{{/* .nothing }} */}}b {{- /* c */ -}} d', 'abd'],
    'goes over several lines': ['{{\n  .tokenType\n| upper\n}}', 'BEARER'],
  }
  const special: Readonly<Record<string, TemplateFields>> = {
    'stands a default in for what is empty': { ...fields, scope: '' },
    'writes JSON': { ...fields, scope: 'read <write>' },
  }

  for (const [sentence, [template, text]] of Object.entries(golden)) {
    test(sentence, () => {
      expect(outcome(template, special[sentence] ?? fields)).toBe(text)
    })
  }

  const refusals: Readonly<Record<string, readonly [template: string, reason: RegExp]>> = {
    'an unknown field': ['a\n {{ .refreshToken }}', /^the field \.refreshToken is unknown; .*\(line 2, column 5\)$/],
    'an unknown function': ['{{ .accessToken | env }}', /^the function env is unknown; .*\(line 1, column 19\)$/],
    'a condition': ['{{ if .idToken }}x{{ end }}', /^the function if is unknown/],
    'a definition': ['{{ define "x" }}{{ end }}', /^the function define is unknown/],
    'an inclusion': ['{{ include "x" }}', /^the function include is unknown/],
    'a property of every object': ['{{ .accessToken | constructor }}', /^the function constructor is unknown/],
    'an inherited field': ['{{ .__proto__ }}', /^the field \.__proto__ is unknown/],
    'a field of a field': ['{{ .accessToken.length }}', /^fields have no fields/],
    'a variable': ['{{ $x }}', /^variables are not supported/],
    'a bare dot': ['{{ . }}', /^a dot has to be followed/],
    parentheses: ['{{ (b64enc .accessToken) }}', /^parentheses are not supported/],
    'a fraction': ['{{ 1.5 }}', /^numbers are decimal integers/],
    'an assignment': ['{{ .accessToken := 1 }}', /^this character is not supported/],
    'an action without an end': ['x {{ .accessToken', /^an action does not end \(line 1, column 3\)$/],
    'a string without an end': ['{{ "abc }}', /^a string does not end \(line 1, column 4\)$/],
    'a string over two lines': ['{{ "a\nb" }}', /^a string does not end/],
    'an escape of half a character': ['{{ "\\ud800" }}', /^a string has an escape/],
    'an unknown escape': ['{{ "\\q" }}', /^a string has an escape/],
    'an empty action': ['{{ }}', /^a field or a function is missing \(line 1, column 1\)$/],
    'a pipe to nothing': ['{{ .accessToken | }}', /^a field or a function is missing \(line 1, column 17\)$/],
    'a pipe into a value': ['{{ .accessToken | .tokenType }}', /^a value cannot be piped into a value/],
    'a value with an argument': ['{{ .accessToken .tokenType }}', /^a value takes no arguments/],
    'a function as an argument': ['{{ quote b64enc }}', /^a function cannot be an argument/],
    'too few arguments': ['{{ default .accessToken }}', /^default takes 2 arguments, not 1/],
    'too many arguments': ['{{ .accessToken | b64enc .tokenType }}', /^b64enc takes 1 argument, not 2/],
    'a field that the token has not': ['{{ .idToken }}', /^the token has no \.idToken; .*\(line 1, column 4\)$/],
    'a function of a field that the token has not': ['{{ .idToken | quote }}', /^the token has no \.idToken/],
    'a default that the token has not': ['{{ default .idToken .tokenType }}', /^the token has no \.idToken/],
    'base64 that is none': ['{{ .accessToken | b64dec }}', /^b64dec cannot read what it is given/],
    'base64 that is cut off': ['{{ "YWI" | b64dec }}', /^b64dec cannot read/],
    'base64 of what is no text': ['{{ "/////w==" | b64dec }}', /^b64dec cannot read/],
    'a text that is too long': ['x'.repeat(templateLimits.characters + 1), /^it has more than 8192 characters/],
    'too many commands': ['{{1}}'.repeat(templateLimits.commands + 1), /^it has more than 128 fields and functions/],
    'a value that grows without end': [`{{ .accessToken ${'| b64enc '.repeat(100)}}}`, /^b64enc makes more than/],
    'a file that grows without end': [`{{.idToken}}`.repeat(100), /^what it writes is longer than 262144 characters/],
  }

  for (const [sentence, [template, reason]] of Object.entries(refusals)) {
    test(`refuses ${sentence}`, () => {
      const long = sentence.startsWith('a file') ? { ...fields, idToken: 'x'.repeat(3000) } : fields
      const message = outcome(template, long)
      expect(message).toMatch(/^refused: /)
      expect(message.slice('refused: '.length)).toMatch(reason)
    })
  }
})

describe('whatever a template is made of', () => {
  const marks = [
    '{{',
    '}}',
    '{{-',
    '-}}',
    '|',
    '"',
    '`',
    '\\',
    '.',
    '$',
    '(',
    '-',
    ' ',
    '\n',
    '/*',
    '*/',
    '1',
    'é',
    '\u0000',
  ]
  const pieces = fc.constantFrom(...marks, ...fieldNames.map((name) => `.${name}`), ...Object.keys(functionArity))
  const text = fc.array(fc.oneof({ weight: 4, arbitrary: pieces }, fc.string({ unit: 'binary', maxLength: 4 })), {
    maxLength: 60,
  })

  test('it is read, rendered or refused, within its bounds and without an exception', () => {
    fc.assert(
      fc.property(text, (parts) => {
        const result = outcome(parts.join(''))
        expect(result.length).toBeLessThanOrEqual(templateLimits.output)
      }),
      { numRuns: 20_000, seed: 7 },
    )
  })

  test('what it quotes as JSON is read back unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (value) => {
        const whole = value.isWellFormed() ? value : value.toWellFormed()
        expect(JSON.parse(outcome('{{ .accessToken | toJson }}', { accessToken: whole }))).toBe(whole)
        expect(outcome('{{ .accessToken | b64enc | b64dec }}', { accessToken: whole })).toBe(whole)
      }),
      { numRuns: 2000, seed: 7 },
    )
  })
})
