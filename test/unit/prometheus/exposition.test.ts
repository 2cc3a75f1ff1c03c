import { expect, test } from 'vitest'
import { parseExposition } from './exposition.ts'

const faults: Readonly<Record<string, string>> = {
  'a series that comes twice': '# TYPE a gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 2\n',
  'a family in two places': '# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{x="1"} 1\n',
  'a sample without a family': 'a 1\n',
  'a sample of another family': '# TYPE a gauge\nb 1\n',
  'an unescaped quote': '# TYPE a gauge\na{x="""} 1\n',
  'an unknown escape': '# TYPE a gauge\na{x="\\t"} 1\n',
  'a label that comes twice': '# TYPE a gauge\na{x="1",x="2"} 1\n',
  'a value that is no number': '# TYPE a gauge\na undefined\n',
  'a last line without an end': '# TYPE a gauge\na 1',
}

test.each(Object.entries(faults))('the parser of these tests refuses %s', (_, text) => {
  expect(() => parseExposition(text)).toThrow()
})
