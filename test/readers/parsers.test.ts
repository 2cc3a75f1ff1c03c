import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { suitable } from '../support/format-readers.ts'
import { hostileToken } from '../support/hostile-token.ts'
import { renderedFormat } from '../support/rendered-format.ts'

const script = join(import.meta.dirname, 'parsers.py')
const texts = fc.sample(hostileToken, { numRuns: 10_000, seed: 7 })

test.each(['netrc', 'pip', 'cargo', 'git-credentials'] as const)(
  '%s: the parsers of Python read each of 10,000 hostile tokens that is not refused',
  (format) => {
    const carried = texts.flatMap((text) => {
      const file = renderedFormat({ ...suitable, format }, text)
      return file === undefined ? [] : [{ text, file }]
    })
    const input = JSON.stringify(carried.map(({ file }) => [format, file, suitable.host]))
    const python = spawnSync('python3', [script], { input, encoding: 'utf8', maxBuffer: 2 ** 26 })
    expect(python.stderr, 'Python 3.11 or later is needed').toBe('')
    expect(JSON.parse(python.stdout)).toEqual(carried.map(({ text }) => text))
    expect(carried.length).toBeGreaterThan(texts.length / 20)
  },
)
