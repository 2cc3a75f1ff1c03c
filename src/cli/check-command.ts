import { type Command, InvalidArgumentError, Option } from 'commander'

export interface CheckFlags {
  readonly url: URL
  /** Seconds. */
  readonly wait: number
}

const longestWaitSeconds = 3600

/** Adds the command that asks a running operator whether it is ready. */
export function addCheckCommand(program: Command, run: (flags: CheckFlags) => Promise<void>): void {
  program
    .command('check')
    .description('Ask a running operator whether it is ready. Prints one line; exit code 0 when it is, else 1.')
    .addOption(
      new Option('--url <url>', 'what to ask')
        .argParser(parseProbeUrl)
        .default(new URL('http://127.0.0.1:8081/readyz'), 'http://127.0.0.1:8081/readyz'),
    )
    .addOption(
      new Option('--wait <seconds>', 'how long to keep asking until it is').argParser(parseSeconds).default(0, '0'),
    )
    .action((flags: CheckFlags) => run(flags))
}

/** Probes are served over plain http, and need no login. */
function parseProbeUrl(value: string): URL {
  const url = URL.parse(value)
  if (url?.protocol === 'http:' && url.username === '' && url.password === '') return url
  throw new InvalidArgumentError('Expected a URL, for example http://127.0.0.1:8081/readyz.')
}

function parseSeconds(value: string): number {
  if (/^\d{1,4}$/.test(value) && Number(value) <= longestWaitSeconds) return Number(value)
  throw new InvalidArgumentError(`Expected whole seconds, at most ${longestWaitSeconds}.`)
}
