import { describe, expect, it } from 'vitest'
import { eventLine, eventText } from '../../../scripts/demo/event-line.ts'
import { introduction } from '../../../scripts/demo/introduction.ts'
import { nameOf, parseLogLine } from '../../../scripts/demo/log-line.ts'
import { inSeconds, noon } from '../../support/builders.ts'

const view = {
  name: 'agent',
  file: '/out/token',
  ready: 'True',
  expiresAt: inSeconds(20),
  refreshes: 3,
  nextRefreshAt: inSeconds(9),
}

function told(line: object): string {
  const parsed = parseLogLine(JSON.stringify({ level: 'info', credential: 'default/agent', ...line }))
  if (parsed === undefined) throw new Error('not a line of the log')
  return eventLine({ at: noon, subject: nameOf(parsed) ?? '?', text: eventText(parsed, view, noon) }, 6)
}

describe('a line of the log, told to a person', () => {
  it.each([
    [
      { msg: 'refreshed', refreshes: 3, rotated: true },
      '08:00:00Z  agent   refreshed #3, refresh token rotated, next refresh in 9s',
    ],
    [
      { msg: 'refreshed', refreshes: 3, rotated: false },
      '08:00:00Z  agent   refreshed #3, refresh token not rotated, next refresh in 9s',
    ],
    [
      { level: 'warn', event: 'Stalled', msg: 'There is no document. Log in.' },
      '08:00:00Z  agent   warn Stalled: There is no document. Log in.',
    ],
    [
      { level: 'warn', code: 'STORE_UNAVAILABLE', failures: 2, msg: 'It did not answer.' },
      '08:00:00Z  agent   warn STORE_UNAVAILABLE: It did not answer.',
    ],
    [
      { event: 'Recovered', msg: 'The access token is valid.' },
      '08:00:00Z  agent   Recovered: The access token is valid.',
    ],
    [{ msg: 'something else' }, '08:00:00Z  agent   something else'],
  ])('%j', (line, expected) => {
    expect(told(line)).toBe(expected)
  })

  it.each(['', 'Error: out of memory', '{"level":"info"}', '[]'])('is not made of %j', (text) => {
    expect(parseLogLine(text)).toBeUndefined()
  })
})

it('quotes what a shell would take apart in the commands to try', () => {
  const workspace = {
    directory: "/tmp/it's here",
    temporary: true,
    manifests: '/m',
    refreshTokens: '/r',
    targets: '/t',
    credentials: [],
  }
  const lines = introduction({
    workspace,
    tokenEndpoint: 'http://x',
    tokenLifetime: 20,
    arguments: ['--output', '/a b'],
  })
  expect(lines).toContain("  node src/main/main.ts standalone --output '/a b'")
  expect(lines).toContain(String.raw`  node src/main/main.ts status --output '/tmp/it'\''s here'`)
})
