import { globSync, readFileSync } from 'node:fs'

const notOurs = /^(node_modules|dist|coverage|\.servers|tmp)$/

/** Every Markdown file of the project, by its path from the root. */
export const pages: readonly string[] = globSync('**/*.md', { exclude: (path) => notOurs.test(path) }).toSorted()

/** A piece of code between fences. */
export interface Block {
  readonly page: string
  /** Where its fence is, from 1. */
  readonly line: number
  readonly language: string
  /** What stands behind the language on the fence, word by word. */
  readonly marks: readonly string[]
  /** Without what it is indented by. */
  readonly text: string
}

const fence = /^( *)```([^\s`]+) *([^\n`]*)\n([\s\S]*?)^\1```/gm

/** Every piece of code of a language, or of one of several. */
export function blocksOf(languages: readonly string[]): readonly Block[] {
  return pages.flatMap((page) => {
    const text = readFileSync(page, 'utf8')
    return [...text.matchAll(fence)]
      .filter(([, , language = '']) => languages.includes(language))
      .map((found) => {
        const [, indent = '', language = '', marks = '', code = ''] = found
        return {
          page,
          line: text.slice(0, found.index).split('\n').length,
          language,
          marks: marks.split(' ').filter((mark) => mark !== ''),
          text: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
        }
      })
  })
}

/** How a test calls a block. */
export function titleOf({ page, line }: Block): string {
  return `${page}:${line}`
}

/** The rows of the table below a heading whose first column is called `first`, cell by cell. */
export function rowsBelow(text: string, heading: string, first: string): readonly (readonly string[])[] {
  const [, section = ''] = `\n${text}`.split(`\n${heading}\n`)
  const tables = (section.split(/\n#+ /)[0] ?? '').split(/\n\n+/).map(cellsOf)
  const [, , ...rows] = tables.find(([head]) => head?.[0] === first) ?? []
  return rows
}

function cellsOf(paragraph: string): readonly (readonly string[])[] {
  const lines = paragraph.split('\n').filter((line) => line.startsWith('|'))
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** What stands between backticks in a text. */
export function codeIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}
