import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDemands } from '../../../src/domain/formats.ts'
import {
  type FormatParameter,
  type FormatParameters,
  formatParameters,
  outputFormats,
  type OutputFormat,
} from '../../../src/domain/output-format.ts'
import { hostileToken } from '../../support/hostile-token.ts'
import { issuedAt, readers, suitable } from '../../support/format-readers.ts'
import { renderedFormat } from '../../support/rendered-format.ts'

function fileOf(format: OutputFormat, text: string, parameters: FormatParameters = suitable): string | undefined {
  return renderedFormat({ format, ...parameters }, text)
}

function readBack(format: OutputFormat, file: string, parameters: FormatParameters = suitable): readonly unknown[] {
  return Object.values(readers[format]).map((read) => read(file, issuedAt * 1000, parameters))
}

const hostileTokens = fc.sample(hostileToken, { numRuns: 10_000, seed: 20_261_121 })

test.each(outputFormats)('%s: each of 10,000 hostile tokens is read back unchanged, or refused', (format) => {
  const carried = hostileTokens.flatMap((text) => {
    const file = fileOf(format, text)
    return file === undefined ? [] : [{ text, file }]
  })
  const harmed = carried.filter(({ text, file }) => readBack(format, file).some((read) => read !== text))
  expect(harmed).toEqual([])
  // Refusing everything would be safe and useless.
  expect(carried.length).toBeGreaterThan(hostileTokens.length / 20)
})

test.each(outputFormats)('%s: every ordinary token is carried', (format) => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9._+/-]{9,60}={0,2}$/), (text) => {
      const file = fileOf(format, text)
      return file !== undefined && readBack(format, file).every((read) => read === text)
    }),
    { seed: 20_261_121 },
  )
})

test.each(outputFormats)('%s: a token of a megabyte is read back unchanged, or refused', (format) => {
  const text = 'aB9.'.repeat(262_144)
  const file = fileOf(format, text)
  expect(file === undefined || readBack(format, file).every((read) => read === text)).toBe(true)
  expect(file === undefined).toBe(format === 'netrc')
})

const demanding = outputFormats.flatMap((format) =>
  [...formatDemands(format).required, ...formatDemands(format).optional].map((name) => [format, name] as const),
)

describe('a hostile parameter is in the file as it is, or refused', () => {
  test.each(demanding)('%s: %s', (format, name) => {
    fc.assert(
      fc.property(hostileToken, (value) => {
        const parameters = { ...suitable, [name]: value }
        const file = fileOf(format, 'at.plain', parameters)
        if (file === undefined) return true
        return (
          readsOtherParameter(format, name) || readBack(format, file, parameters).every((read) => read === 'at.plain')
        )
      }),
      { numRuns: 500, seed: 20_261_121 },
    )
  })

  test.each(demanding)('%s: %s with a line break is refused', (format, name) => {
    const parameters: FormatParameters = { ...suitable, [name]: 'a\nb' }
    expect(fileOf(format, 'at.plain', parameters)).toBeUndefined()
  })
})

/** The reader of an env file looks for one name. */
function readsOtherParameter(format: OutputFormat, name: FormatParameter): boolean {
  return format === 'dotenv' && name === 'variable'
}

test('what a format needs is needed, and what it does not have changes nothing', () => {
  for (const format of outputFormats) {
    const { required, optional } = formatDemands(format)
    const without = (name: FormatParameter) =>
      Object.fromEntries(Object.entries(suitable).filter(([other]) => other !== name)) as FormatParameters
    const needed = formatParameters.filter((name) => fileOf(format, 'at.plain', without(name)) === undefined)
    expect(needed, format).toEqual(required)
    const foreign = formatParameters.filter((name) => ![...required, ...optional].includes(name))
    const changing = foreign.filter((name) => fileOf(format, 'at.plain', without(name)) !== fileOf(format, 'at.plain'))
    expect(changing, format).toEqual([])
  }
})

test('a real shell reads every env file that is not refused', () => {
  const texts = fc.sample(hostileToken, { numRuns: 300, seed: 1 })
  const kept = texts.flatMap((text) => {
    const file = fileOf('dotenv', text)
    return file === undefined ? [] : [{ text, file }]
  })
  const directory = mkdtempSync(join(tmpdir(), 'formats-'))
  try {
    kept.forEach(({ file }, at) => writeFileSync(join(directory, `${at}.env`), file))
    const script = 'i=0; while [ $i -lt $1 ]; do . "$2/$i.env"; printf "%s\\n" "$TOKEN"; i=$((i+1)); done'
    const shell = spawnSync('sh', ['-c', script, 'sh', String(kept.length), directory], { encoding: 'utf8' })
    expect(shell.stdout.split('\n').slice(0, -1)).toEqual(kept.map(({ text }) => text))
    expect(kept.length).toBeGreaterThan(50)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('VibeKit and Gemini CLI read a token that lives half an hour until its last second', () => {
  for (const format of ['vibekit', 'gemini-cli'] as const) {
    const file = renderedFormat({ format }, 'at.short', 1800) ?? ''
    const read = Object.values(readers[format]).map((reader) => reader(file, (issuedAt + 1799) * 1000, {}))
    expect(read).toEqual(['at.short'])
  }
})

test('opencode sends the token of openai by OAuth, and all others as keys of an API', () => {
  const parameters = { name: 'openai' }
  expect(readBack('opencode', fileOf('opencode', 'at.plain', parameters) ?? '', parameters)).toEqual(['at.plain'])
})
