import { parse } from 'yaml'

const begin = '<!-- The table is generated from values.yaml by `npm run generate`. -->'
const end = '<!-- End of the table. -->'

/** The page with the table of the values between its two marks. @throws when it has not both. */
export function withValuesTable(page: string, values: string): string {
  const [before, rest] = page.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error('the page has no place for the table of the values')
  return `${before}${begin}\n\n${valuesTable(values)}\n\n${end}${after}`
}

function valuesTable(values: string): string {
  const rows = rowsOf(parse(values), '', descriptions(values))
  const cells = [['value', 'default', 'what it does'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[], filler = ' '): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0, filler)).join(' | ')} |`
  const [head = [], ...body] = cells
  return [line(head), line(['', '', ''], '-'), ...body.map((row) => line(row))].join('\n')
}

type Row = readonly [value: string, byDefault: string, description: string]

function rowsOf(value: unknown, path: string, texts: ReadonlyMap<string, string>): readonly Row[] {
  const text = texts.get(path) ?? ''
  if (!isGroup(value)) return [[`\`${path}\``, `\`${JSON.stringify(value)}\``, text]]
  const own: readonly Row[] = text === '' ? [] : [[`\`${path}\``, '', text]]
  const members = Object.entries(value).flatMap(([name, member]) =>
    rowsOf(member, path === '' ? name : `${path}.${name}`, texts),
  )
  return [...own, ...members]
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
}

/** What the comments say: those above a key that begin with two dashes, and those behind its value. */
function descriptions(values: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const path: string[] = []
  let said: string[] = []
  for (const line of values.split('\n')) {
    const comment = /^ *# ?(.*)$/.exec(line)?.[1]
    if (comment !== undefined) {
      said = comment.startsWith('-- ') ? [comment.slice(3)] : said.length > 0 ? [...said, comment] : []
      continue
    }
    const [, indent = '', name, behind] = /^( *)(\w+):[^#]*(?: # (.*))?$/.exec(line) ?? []
    if (name !== undefined) {
      path.splice(indent.length / 2, path.length, name)
      found.set(path.join('.'), behind ?? said.join(' '))
    }
    said = []
  }
  return found
}
