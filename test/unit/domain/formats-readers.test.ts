import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemTextCodec } from '../../../src/adapters/system/text-codec.ts'
import type { Output, OutputFormat } from '../../../src/domain/credential.ts'
import { outputKey, renderOutputs } from '../../../src/domain/formats.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import type { AccessToken } from '../../../src/domain/tokens.ts'

/** What one program makes of the file: the token that it would send, or undefined when it sends none. */
type Reader = (file: string, nowMs: number) => unknown

const issuedAt = 1_800_000_000

const readers: Readonly<Record<OutputFormat, Readonly<Record<string, Reader>>>> = {
  raw: {
    'a reader that takes the file as it is': (file) => file,
    'a reader that trims': (file) => file.trim(),
    'a reader that takes the first line': (file) => file.split(/\r?\n/, 1)[0],
  },
  header: {
    'curl -H @file': (file) => {
      const lines = file.split(/\r?\n/).filter((line) => line !== '')
      const [line] = lines
      return lines.length === 1 ? /^Authorization:[ \t]*Bearer (.*)$/i.exec(line ?? '')?.[1]?.trimEnd() : undefined
    },
  },
  dotenv: {
    'Node --env-file': (file) => parseEnv(file)['TOKEN'],
    'kubectl --from-env-file': (file) => literalEnv(file),
    'npm dotenv': (file) => /^\s*TOKEN\s*=\s*([^#\r\n'"`]*)\s*$/m.exec(file)?.[1]?.trim(),
  },
  'oauth2-json': {
    'a client library with a margin of a minute': (file, nowMs) => {
      const { access_token, token_type, expires_at, expires_in } = JSON.parse(file) as Record<string, unknown>
      if (typeof token_type !== 'string' || typeof expires_at !== 'number' || !Number.isInteger(expires_in))
        return undefined
      return expires_at - 60 > nowMs / 1000 ? access_token : undefined
    },
  },
  vibekit: {
    VibeKit: (file, nowMs) => {
      const { access_token, expires_in, created_at } = JSON.parse(file) as Record<string, number | undefined>
      if (expires_in === undefined || created_at === undefined) return access_token
      return created_at + (expires_in - 3600) * 1000 > nowMs ? access_token : undefined
    },
  },
  'claude-code': {
    'Claude Code': (file) => {
      const { claudeAiOauth } = JSON.parse(file) as { claudeAiOauth?: Record<string, unknown> }
      const { accessToken, scopes, refreshToken } = claudeAiOauth ?? {}
      if (refreshToken !== undefined || !Array.isArray(scopes) || !scopes.includes('user:inference')) return undefined
      return accessToken
    },
  },
}

function literalEnv(file: string): string | undefined {
  const lines = file.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.length === 1 ? lines[0]?.slice('TOKEN='.length) : undefined
}

/** Undefined when refused. */
function fileOf(format: OutputFormat, text: string, lifetime = 3600): string | undefined {
  const output: Output = { format, variable: 'TOKEN' }
  const token: AccessToken = {
    value: new Sensitive(text),
    tokenType: 'Bearer',
    issuedAt: epochSeconds(issuedAt),
    expiresAt: epochSeconds(issuedAt + lifetime),
    scopes: [],
  }
  const result = renderOutputs([output], token, systemTextCodec)
  return result.ok ? result.files.get(outputKey(output))?.reveal() : undefined
}

const ordinary = fc.stringMatching(/^[A-Za-z0-9._~+/=:@%,-]{1,40}$/)
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.stringMatching(/^[\n\r\0\t "'`$(){}#\\;&|<>*?!~:=%^[\]é\u2028aB9]{0,20}$/),
  fc.tuple(ordinary, fc.constantFrom('\n', '\0', ' #c', ':~', '$(id)', '\\n', '"', "'")).map((parts) => parts.join('')),
)

describe.each(Object.entries(readers))('%s', (format, programs) => {
  test.each(Object.entries(programs))('%s reads any token back, or it is refused', (_, read) => {
    fc.assert(
      fc.property(fc.oneof(ordinary, hostile), (text) => {
        const file = fileOf(format as OutputFormat, text)
        return file === undefined || read(file, issuedAt * 1000) === text
      }),
      { numRuns: 500 },
    )
  })

  test.each(Object.entries(programs))(
    '%s reads every ordinary token: refusing all would be safe and useless',
    (_, read) => {
      fc.assert(
        fc.property(fc.stringMatching(/^[A-Za-z0-9._+/-]{1,60}={0,2}$/), (text) => {
          const file = fileOf(format as OutputFormat, text)
          return file !== undefined && read(file, issuedAt * 1000) === text
        }),
      )
    },
  )
})

test('a real shell reads every env file that is not refused', () => {
  const texts = fc.sample(fc.oneof(ordinary, hostile), { numRuns: 300, seed: 1 })
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

test('VibeKit reads a token that lives half an hour until its last second', () => {
  const file = fileOf('vibekit', 'at.short', 1800) ?? ''
  expect(readers.vibekit['VibeKit']?.(file, (issuedAt + 1799) * 1000)).toBe('at.short')
})
