import { readFileSync } from 'node:fs'

/** A fenced block of a page, without the indentation of the list that it stands in. */
export interface ReadmeBlock {
  readonly language: string
  readonly text: string
}

/** What README says below a heading of its second level. @throws when it has no such heading. */
export function readmeSection(heading: string): string {
  const parts = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').split(/^## /m)
  const section = parts.find((part) => part.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`README has no heading ${heading}`)
  return section
}

/** The blocks of README below a heading, in their order. */
export function readmeBlocks(heading: string): readonly ReadmeBlock[] {
  return [...readmeSection(heading).matchAll(/^( *)```(\w+)\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = '', language = '', block = '']) => ({
      language,
      text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  )
}

/** @throws when there is none. */
export function firstBlockBelow(heading: string): string {
  const [block] = readmeBlocks(heading)
  if (block === undefined) throw new Error(`README has no command below ${heading}`)
  return block.text
}
