import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatDemands, outputKey, readerMargin } from '../../../src/domain/formats.ts'
import { outputFormats, type OutputFormat } from '../../../src/domain/output-format.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/formats.md'), 'utf8')

function marginText(format: OutputFormat): string {
  const margin = readerMargin([{ format }])
  if (margin === 0) return 'none'
  return margin % 60 === 0 ? `${margin / 60} min` : `${margin} s`
}

function parametersText(format: OutputFormat): string {
  const { required, optional } = formatDemands(format)
  return [...required.map((name) => `\`${name}\``), ...optional.map((name) => `\`${name}\` (optional)`)].join(', ')
}

describe('docs/formats.md', () => {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| [`'))
    .map((line) => line.split('|').map((cell) => cell.trim()))

  test('lists every format with its key, its parameters and its margin, in order', () => {
    const listed = rows.map(([, format, key, parameters, , margin]) => [format, key, parameters, margin])
    expect(listed).toEqual(
      outputFormats.map((format) => [
        `[\`${format}\`](#${format})`,
        `\`${outputKey({ format })}\``,
        parametersText(format),
        marginText(format),
      ]),
    )
  })

  test.each(outputFormats)('has a section on %s with its key, and how it is mounted', (format) => {
    const section = page.split(/^## /m).find((text) => text.startsWith(`${format}\n`))
    expect(section).toContain(`**Key:** \`${outputKey({ format })}\``)
    for (const part of ['Content', 'Margin', 'Mount', 'Traps']) expect(section).toContain(`**${part}:**`)
    const { required, optional } = formatDemands(format)
    for (const name of [...required, ...optional]) expect(section).toMatch(new RegExp(`[\`<]${name}[\`>]`))
  })

  test('has a row and a section for nothing else', () => {
    const sections = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name)
    expect(sections.filter((name) => name !== 'templates')).toEqual([...outputFormats])
  })
})
