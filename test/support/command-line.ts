import { parseArgs, type ParseArgsConfig } from 'node:util'

/**
 * Reads the arguments of a program that people type. `--help` prints the usage and ends with code 0; what it does not
 * know is told in a line, with the usage, and ends with code 2.
 */
export function argumentsOrEnd<T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(usage)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    if (!(error instanceof TypeError && 'code' in error)) throw error
    return wrongArguments(usage, error.message)
  }
}

/** Ends the process with code 2. */
export function wrongArguments(usage: string, problem: string): never {
  process.stderr.write(`${problem}\n\n${usage}`)
  process.exit(2)
}

/** Ends the process unless each of these options, where it is given, is a whole number. */
export function wholeNumbersOrEnd(usage: string, options: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !/^\d{1,15}$/.test(value)) {
      wrongArguments(usage, `--${name} takes a whole number, not '${value}'`)
    }
  }
}
