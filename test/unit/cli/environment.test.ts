import { CommanderError } from 'commander'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ControllerFlags } from '../../../src/cli/controller-command.ts'
import { program } from '../../../src/cli/program.ts'
import { parseAddress } from '../../../src/cli/shared-options.ts'

interface Parsed {
  readonly flags: ControllerFlags | undefined
  readonly errors: string
}

/** What `controller` is started with; `errors` is what is printed when it is not. */
async function parse(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Parsed> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  let flags: ControllerFlags | undefined
  let errors = ''
  const none = () => Promise.resolve()
  const handlers = { controller: (given: ControllerFlags) => Promise.resolve(void (flags = given)) }
  const command = program('1', { ...handlers, standalone: none, status: none, check: none })
  for (const one of [command, ...command.commands]) {
    one.exitOverride().configureOutput({ writeErr: (text) => void (errors += text) })
  }
  try {
    await command.parseAsync(['controller', ...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
  }
  return { flags, errors }
}

const switches = {
  allowPlainHttp: ['ALLOW_PLAIN_HTTP', 'allow-plain-http', false],
  allowPrivateAddresses: ['ALLOW_PRIVATE_ADDRESSES', 'allow-private-addresses', false],
  leaderElect: ['LEADER_ELECT', 'leader-elect', true],
  perCredentialMetrics: ['PER_CREDENTIAL_METRICS', 'per-credential-metrics', true],
  driftRepair: ['DRIFT_REPAIR', 'drift-repair', false],
  warnOfStaleReaders: ['WARN_OF_STALE_READERS', 'warn-of-stale-readers', false],
} as const

describe.each(Object.entries(switches))('the switch %s', (name, [variable, flag, byDefault]) => {
  const key = name as keyof typeof switches
  const settings: Record<string, [args: string[], environment: string | undefined, expected: boolean]> = {
    'is at its default when nobody says anything': [[], undefined, byDefault],
    'is off when its variable says false': [[], 'false', false],
    'is on when its variable says true': [[], 'true', true],
    'is on when its flag is given': [[`--${flag}`], undefined, true],
    'is off when its flag says false': [[`--${flag}=false`], undefined, false],
    'follows the flag rather than the variable': [[`--${flag}`], 'false', true],
  }
  it.each(Object.entries(settings))('%s', async (_name, [args, value, expected]) => {
    const { flags } = await parse(args, value === undefined ? {} : { [`OAUTH_OPERATOR_${variable}`]: value })
    expect(flags?.[key]).toBe(expected)
  })

  it.each(['0', 'no', 'FALSE', ''])('takes no other word: "%s"', async (value) => {
    const { flags, errors } = await parse([], { [`OAUTH_OPERATOR_${variable}`]: value })
    expect(flags).toBeUndefined()
    expect(errors).toContain(`--${flag}`)
    expect(errors).toContain('Expected true or false.')
  })
})

it.each(['leader-elect', 'per-credential-metrics'])('--no-%s wins over the variable', async (flag) => {
  const variable = `OAUTH_OPERATOR_${flag.replaceAll('-', '_').toUpperCase()}`
  const { flags } = await parse([`--no-${flag}`], { [variable]: 'true' })
  expect(flags?.[flag === 'leader-elect' ? 'leaderElect' : 'perCredentialMetrics']).toBe(false)
})

describe('addresses to listen at', () => {
  it.each(['0.0.0.0:8080', ':8080', '[::1]:0', 'localhost:65535'])('takes %s', (value) => {
    expect(parseAddress(value)).toBe(value)
  })

  it.each(['8080', 'localhost:', 'localhost:65536', '::1:80', 'a b:80', 'localhost:8e3', 'host:-1', '[::1]8080', ''])(
    'refuses "%s"',
    (value) => {
      expect(() => parseAddress(value)).toThrow('Expected host:port')
    },
  )
})
