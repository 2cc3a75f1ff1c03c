import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverPath } from './server-source.ts'

// What `npm run sbom` writes is read by programs of others: CycloneDX's own check is the judge of it.

interface Bill {
  readonly components: readonly { readonly type?: string; readonly purl: string }[]
}

let directory: string
let bill: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'oauth-operator-sbom-'))
  const file = join(directory, 'sbom.cdx.json')
  execFileSync(process.execPath, ['scripts/sbom.ts', file], { stdio: 'pipe' })
  bill = readFileSync(file, 'utf8')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** The version of the specification that it keeps to. */
function checked(text: string): string {
  return execFileSync(serverPath('cyclonedx'), { input: text, encoding: 'utf8', stdio: 'pipe' }).trim()
}

describe('the bill of materials', () => {
  test('is what CycloneDX specifies', () => {
    const { components } = JSON.parse(bill) as Bill
    expect(components.length).toBeGreaterThan(20)
    expect(checked(bill)).toBe('1.6')
  })

  test.each<readonly [string, (parsed: Bill) => object]>([
    [
      'a component of no type',
      (parsed) => ({ ...parsed, components: parsed.components.map(({ purl }) => ({ purl })) }),
    ],
    ['a member that nobody knows', (parsed) => ({ ...parsed, packages: [] })],
    [
      'a component that comes twice',
      ({ components, ...parsed }) => ({ ...parsed, components: [...components, ...components] }),
    ],
  ])('would not be with %s', (_, change) => {
    expect(() => checked(JSON.stringify(change(JSON.parse(bill) as Bill)))).toThrow(/^\$/m)
  })
})
