import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createLogger, type LogLevel, type ProcessLogger } from '../../../src/adapters/pino/create-logger.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { LogFields } from '../../../src/ports/logger.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** A logger whose lines are kept and scanned. */
function aLogger(level: LogLevel = 'debug', pretty = false): { logger: ProcessLogger; lines: string[] } {
  const lines: string[] = []
  const write = (line: string): void => {
    observeOutput('log', line)
    lines.push(line)
  }
  return { logger: createLogger({ level, destination: { write }, pretty }), lines }
}

/** What `fields` become in a line, without time, level and message. */
function logged(fields: unknown): Readonly<Record<string, unknown>> {
  const { logger, lines } = aLogger()
  logger.info(fields as LogFields, 'said')
  const { time: _time, level: _level, msg: _msg, ...rest } = JSON.parse(lines[0] ?? '{}') as Record<string, unknown>
  return rest
}

describe('a line', () => {
  test('is JSON with an ISO time, the level as text, the message and the fields', () => {
    const { logger, lines } = aLogger()
    logger.warn({ credential: 'ci/claude', failures: 3, rotated: false, code: undefined }, 'refresh failed')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.endsWith('}\n')).toBe(true)
    const { time, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(rest).toEqual({
      level: 'warn',
      msg: 'refresh failed',
      credential: 'ci/claude',
      failures: 3,
      rotated: false,
    })
  })

  test('names nothing of the machine', () => {
    expect(logged({})).toEqual({})
  })

  test('is one line whatever the message holds', () => {
    const { logger, lines } = aLogger()
    logger.info({ why: 'x\ny' }, 'one\ntwo %s %d')
    expect(lines.join('').split('\n')).toHaveLength(2)
    expect((JSON.parse(lines[0] ?? '') as { msg: string }).msg).toBe('one\ntwo %s %d')
  })

  test('has no name twice', () => {
    expect(logged({ level: 'x', msg: 'y', time: 'z' })).toEqual({ level_: 'x', msg_: 'y', time_: 'z' })
  })

  test('does not grow without bound', () => {
    expect(String(logged({ text: 'a'.repeat(100_000) })['text']).length).toBe(4_097)
  })
})

describe('the level', () => {
  test.each(levels)('%s lets through what is as severe or more', (level) => {
    const { logger, lines } = aLogger(level)
    for (const each of levels) logger[each]({}, each)
    const seen = lines.map((line) => (JSON.parse(line) as { level: string }).level)
    expect(seen).toEqual(levels.slice(levels.indexOf(level)))
  })

  test('can be changed while the process runs', () => {
    const { logger, lines } = aLogger('error')
    logger.info({}, 'dropped')
    logger.setLevel('debug')
    logger.debug({}, 'kept')
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['kept'])
  })
})

describe('what a field becomes', () => {
  const cases: Readonly<Record<string, { value: unknown; text: unknown }>> = {
    'a Sensitive is redacted': { value: new Sensitive('x'), text: '[redacted]' },
    'an error is its name': { value: new TypeError('text'), text: 'TypeError' },
    'an error of Node is its name and code': {
      value: Object.assign(new Error('text'), { code: 'ECONNREFUSED' }),
      text: 'Error ECONNREFUSED',
    },
    'an error of a client has its status': {
      value: Object.assign(new Error('text'), { code: 403 }),
      text: 'Error 403',
    },
    'an error whose code is a sentence loses it': {
      value: Object.assign(new Error('text'), { code: 'what the server said' }),
      text: 'Error',
    },
    'an error whose name is a sentence loses it': {
      value: Object.assign(new Error('text'), { name: 'what the server said' }),
      text: 'Error',
    },
    'an object is not walked': { value: { a: 1 }, text: '[object]' },
    'an array is not walked': { value: ['a'], text: '[object]' },
    'a function is not printed': { value: () => 'x', text: '[function]' },
    'a symbol is not printed': { value: Symbol('x'), text: '[symbol]' },
    'null is said': { value: null, text: 'null' },
    'a large integer is its digits': { value: 12n, text: '12' },
  }
  test.each(Object.entries(cases))('%s', (_, { value, text }) => {
    expect(logged({ value })).toEqual({ value: text })
  })
})

describe.each([false, true])('no token is printed (for a terminal: %s)', (pretty) => {
  const secret = (): string => canary('at')
  const hidden = new Sensitive(canary('rt'))
  const shapes: Readonly<Record<string, () => Readonly<Record<string, unknown>>>> = {
    'a Sensitive': () => ({ value: hidden }),
    'a nested Sensitive': () => ({ value: { deep: [{ deeper: hidden }] } }),
    'a token nested in an object': () => ({ value: { a: { b: { access_token: secret() } } } }),
    'a token in an array': () => ({ value: [secret()] }),
    'a token in a Map': () => ({ value: new Map([['token', secret()]]) }),
    'a token as the key of a Map': () => ({ value: new Map([[secret(), 1]]) }),
    'a token in a Set': () => ({ value: new Set([secret()]) }),
    'a token in bytes': () => ({ value: Buffer.from(secret()) }),
    'a token in the message of an error': () => ({ err: new Error(secret()) }),
    'a token in the cause of an error': () => ({ err: new Error('x', { cause: new Error(secret()) }) }),
    'a token in a property of an error': () => ({ err: Object.assign(new Error('x'), { body: secret() }) }),
    'a token in the code of an error': () => ({ err: Object.assign(new Error('x'), { code: secret() }) }),
    'a token in the name of an error': () => ({ err: Object.assign(new Error('x'), { name: secret() }) }),
    'a token in errors together': () => ({ err: new AggregateError([new Error(secret())], secret()) }),
    'a token that toJSON gives': () => ({ value: { toJSON: () => secret() } }),
    'a token that toString gives': () => ({ value: { toString: () => secret() } }),
    'a token that inspection gives': () => ({ value: { [inspect.custom]: () => secret() } }),
    'a token that a function returns': () => ({ value: () => secret() }),
    'a token in an address': () => ({ value: new URL(`https://x.example/?token=${secret()}`) }),
    'a request with headers': () => ({ req: { headers: { authorization: `Bearer ${secret()}` } } }),
    'a field that is named access_token': () => ({ access_token: secret() }),
    'a field that is named refreshToken': () => ({ refreshToken: secret() }),
    'a field that is named Authorization': () => ({ Authorization: `Bearer ${secret()}` }),
    'a field that is named body': () => ({ body: JSON.stringify({ refresh_token: secret() }) }),
  }

  test.each(Object.entries(shapes))('%s', (_, shape) => {
    const { logger, lines } = aLogger('debug', pretty)
    for (const level of levels) logger[level](shape(), 'said')
    expect(lines).toHaveLength(levels.length)
  })

  test('a Sensitive in place of the message', () => {
    const { logger, lines } = aLogger('debug', pretty)
    for (const level of levels) logger[level]({}, hidden as unknown as string)
    expect(lines.every((line) => line.includes('[redacted]'))).toBe(true)
  })
})

describe('for a terminal, a line', () => {
  function said(fields: Readonly<Record<string, unknown>>, message: string): string {
    const { logger, lines } = aLogger('debug', true)
    logger.info(fields, message)
    return (lines[0] ?? '').replace(/^\S+ /, '')
  }

  test('has the level, the message and the fields', () => {
    expect(said({ credential: 'ci/claude', failures: 3, text: 'two words', empty: '' }, 'refreshed')).toBe(
      'INFO  refreshed credential=ci/claude failures=3 text="two words" empty=""\n',
    )
  })

  test('begins with the time', () => {
    const { logger, lines } = aLogger('debug', true)
    logger.error({}, 'x')
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ERROR x\n$/)
  })

  test('cannot move the cursor or fake another line', () => {
    expect(said({ a: '\u001b[2J', b: 'x"y' }, 'one\ntwo\u2028three')).toBe(
      'INFO  one\\u{a}two\\u{2028}three a=\\u{1b}[2J b="x\\"y"\n',
    )
  })
})

describe('a file descriptor', () => {
  test.each([false, true])('holds every line when the call returns (for a terminal: %s)', (pretty) => {
    const directory = mkdtempSync(join(tmpdir(), 'log-'))
    try {
      const path = join(directory, 'log')
      const logger = createLogger({ level: 'info', destination: openSync(path, 'w'), pretty })
      for (let at = 0; at < 100; at += 1) {
        logger.info({ failures: at }, 'said')
        expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(at + 2)
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test.skipIf(!existsSync('/dev/full'))('that is full fails nobody who logs', () => {
    const descriptor = openSync('/dev/full', 'w')
    try {
      const logger = createLogger({ level: 'info', destination: descriptor })
      for (let at = 0; at < 10; at += 1) {
        expect(() => logger.unfiltered({ logger: 'audit' }).info({ failures: at }, 'said')).not.toThrow()
      }
    } finally {
      closeSync(descriptor)
    }
  })

  test('has the last words of a process that crashes', () => {
    const module = resolve(import.meta.dirname, '../../../src/adapters/pino/create-logger.ts')
    const script = `import { createLogger } from ${JSON.stringify(module)}
      createLogger({ level: 'info', destination: 1 }).error({ code: 'X' }, 'last words')
      process.abort()`
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(run.stdout).toContain('"msg":"last words"')
  })
})
