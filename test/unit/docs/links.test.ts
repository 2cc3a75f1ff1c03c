import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { pages } from './pages.ts'

/** Code is no text: what looks like a link or a heading there is none. */
function prose(page: string): string {
  return readFileSync(page, 'utf8').replaceAll(/^( *)```[\s\S]*?^\1```/gm, '')
}

function linksOf(page: string): readonly string[] {
  const links = [
    ...prose(page)
      .replaceAll(/`[^`]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ]
  return links.map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link))
}

/** The names by which the headings of a page are linked to. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...prose(page).matchAll(/^#+ (.*)$/gm)]
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Undefined when the link leads somewhere. */
function problemOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#', 2)
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(target)) return `${link}: there is no ${target}`
  if (anchor === undefined || anchorsOf(target).includes(anchor)) return undefined
  return `${link}: ${target} has no heading #${anchor}`
}

test('there are pages, and links in them', () => {
  expect(pages).toContain('README.md')
  expect(pages).toContain(join('docs', 'architecture.md'))
  expect(linksOf('README.md')).toContain('docs/architecture.md')
})

test.each(pages)('every link of %s within the project leads somewhere', (page) => {
  expect(linksOf(page).flatMap((link) => problemOf(page, link) ?? [])).toEqual([])
})
