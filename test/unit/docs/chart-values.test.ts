import { expect, test } from 'vitest'
import { withValuesTable } from '../../../scripts/values-table.ts'

const marks = [
  '<!-- The table is generated from values.yaml by `npm run generate`. -->',
  '<!-- End of the table. -->',
] as const

const values = `# About the file.

# -- How many.
count: 2
group:
  # -- What it is,
  # in two lines.
  first: ''
  level: info # debug, info
  # No description.
  second: [a]
# -- All of it.
whole: {}
`

test('the table of the values tells names, defaults and what the comments say', () => {
  const page = withValuesTable(`Before.\n${marks.join('\nold\n')}\nAfter.\n`, values)
  const rows = page.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
  expect(rows.filter((row) => row.startsWith('| `'))).toEqual([
    '| `count` | `2` | How many. |',
    '| `group.first` | `""` | What it is, in two lines. |',
    '| `group.level` | `"info"` | debug, info |',
    '| `group.second` | `["a"]` | |',
    '| `whole` | `{}` | All of it. |',
  ])
  expect(rows.at(0)).toBe('Before.')
  expect(rows.slice(-3)).toEqual([marks[1], 'After.', ''])
  expect(page).not.toContain('old')
})

test('a page without a place for the table is refused', () => {
  expect(() => withValuesTable('Nothing.', values)).toThrow('no place')
})
