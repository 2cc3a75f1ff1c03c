import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'

/** The rows of the last table of docs/errors.md, cell by cell. */
function documentedRows(): readonly (readonly string[])[] {
  const lines = readFileSync('docs/errors.md', 'utf8').split('\n')
  const rows = lines.filter((line) => /^\| [A-Z_]+ +\|/.test(line))
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

describe('docs/errors.md', () => {
  it('lists exactly the failure registry', () => {
    const registered = Object.entries(failureRegistry).map(([code, { next, reason, remedy }]) => [
      code,
      next,
      reason,
      remedy,
    ])
    expect(documentedRows()).toEqual(registered)
  })
})
