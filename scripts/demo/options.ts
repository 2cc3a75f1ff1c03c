import { Command, InvalidArgumentError } from 'commander'
import { parseGoDuration } from '../../src/domain/duration.ts'

export interface DemoOptions {
  /** Seconds; absent: until Ctrl-C. */
  readonly for?: number
  /** Absent: a temporary directory. */
  readonly output?: string
  /** Whole seconds. */
  readonly tokenLifetime: number
}

const longestSeconds = 86_400

/** Reads the command line. Wrong arguments and --help end the process. */
export function parseOptions(argv: readonly string[]): DemoOptions {
  return new Command('npm run demo --')
    .description(
      'Starts a real authorization server whose refresh tokens are good for one use, and standalone mode on examples/demo, ' +
        'and shows how the access tokens stay fresh. Exit code 1 when what it shows is not so.',
    )
    .option('--for <duration>', 'how long to run, such as 60s or 5m; default: until Ctrl-C', parseSeconds)
    .option('--output <directory>', 'a new or empty directory, which stays; default: a temporary one, which does not')
    .option('--token-lifetime <duration>', 'life of an access token, in whole seconds', parseLifetime, 20)
    .parse(argv)
    .opts<DemoOptions>()
}

function parseSeconds(text: string): number {
  const seconds = parseGoDuration(text)
  if (seconds === undefined || seconds <= 0 || seconds > longestSeconds) {
    throw new InvalidArgumentError('Expected a duration, such as 60s, and 24h at most.')
  }
  return seconds
}

function parseLifetime(text: string): number {
  const seconds = parseSeconds(text)
  if (!Number.isInteger(seconds) || seconds < 2) throw new InvalidArgumentError('Expected two whole seconds or more.')
  return seconds
}
