import { CommanderError } from 'commander'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { exitCodeOf, program } from '../../../src/cli/program.ts'

// What somebody reads who types a command wrong, or asks what there is.

interface Answer {
  readonly printed: string
  readonly code: number | undefined
}

async function answer(...typed: readonly string[]): Promise<Answer> {
  vi.stubEnv('OAUTH_OPERATOR_LOG_LEVEL', undefined)
  onTestFinished(() => void vi.unstubAllEnvs())
  const none = () => Promise.resolve()
  const command = program('1.2.3', { controller: none, standalone: none, status: none, check: none })
  let printed = ''
  const take = (text: string): void => void (printed += text)
  for (const one of [command, ...command.commands]) {
    one.exitOverride().configureOutput({ writeErr: take, writeOut: take, getOutHelpWidth: () => 80 })
  }
  try {
    await command.parseAsync(typed, { from: 'user' })
    return { printed, code: undefined }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { printed, code: exitCodeOf(error.exitCode) }
  }
}

const commands = ['controller', 'standalone', 'status', 'check']

describe('--help', () => {
  it('names every command', async () => {
    const { printed, code } = await answer('--help')
    for (const name of commands) expect(printed).toMatch(new RegExp(`^ +${name} `, 'm'))
    expect(code).toBe(0)
  })

  it.each(commands)('of %s fits a terminal, and ends with the exit codes', async (name) => {
    const { printed, code } = await answer(name, '--help')
    // The name of a variable is one word.
    expect(printed.split('\n').filter((line) => line.length > 80 && /\S \S/.test(line))).toEqual([])
    expect(printed).toContain('Exit codes: 0 ')
    expect(printed).not.toContain('preset')
    expect(code).toBe(0)
  })
})

const wrong: Readonly<Record<string, readonly [typed: string, told: string]>> = {
  'an unknown command': ['controler', "unknown command 'controler'\n(Did you mean controller?)"],
  'an unknown option': ['controller --name-space x', "unknown option '--name-space'\n(Did you mean --namespace?)"],
  'a value that is not one of those': ['standalone --log-level loud', 'Allowed choices are debug, info, warn, error.'],
  'an address that is none': ['controller --metrics-address 8080', 'Expected host:port, for example 0.0.0.0:8080.'],
  'an option that is missing': ['status', "required option '--output <directory>' not specified"],
  'a word too much': ['check now', 'too many arguments'],
}

describe('wrong arguments', () => {
  it.each(Object.entries(wrong))('%s is told in a few lines, with where to look', async (_, [typed, told]) => {
    const { printed, code } = await answer(...typed.split(' '))
    expect(printed).toContain(told)
    expect(printed).toContain('--help')
    expect(printed.trim().split('\n').length).toBeLessThanOrEqual(3)
    expect(code).toBe(2)
  })
})
