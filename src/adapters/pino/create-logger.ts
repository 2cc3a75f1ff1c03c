import { destination as toFile, pino, stdTimeFunctions, type Logger as Pino } from 'pino'
import type { LogFields, Logger } from '../../ports/logger.ts'
import { prettyLine } from './pretty-line.ts'
import { safeValue, type SafeValue } from './safe-value.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Takes whole lines, each with its newline. */
export interface LogDestination {
  write(line: string): void
}

export interface LoggerOptions {
  /** Less severe lines are dropped. */
  readonly level: LogLevel
  /** A file descriptor, written synchronously, so that the last words of a process are not lost. */
  readonly destination: number | LogDestination
  /** True: lines for a person instead of JSON. */
  readonly pretty?: boolean
}

/** The logger of a process, with what its owner may do. */
export interface ProcessLogger extends Logger {
  setLevel(level: LogLevel): void
  /** A logger of the same destination whose lines have these fields too, and which drops none from `info` on, whatever the level. */
  unfiltered(fields: LogFields): Logger
}

/**
 * Fields whose name says that they hold a secret. Nobody should log them: the second line behind
 * {@link safeValue}.
 */
const secretFields: readonly string[] = [
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'id_token',
  'idToken',
  'token',
  'client_secret',
  'clientSecret',
  'client_assertion',
  'clientAssertion',
  'secret',
  'password',
  'authorization',
  'Authorization',
  'cookie',
  'body',
  'document',
]

/** Bytes of lines that a file has not taken; what comes beyond is dropped. */
const mostWaiting = 1_048_576

/** Names that a line has anyway; a field of that name would make two of them. */
const reserved: readonly string[] = ['time', 'level', 'msg']

/**
 * A logger that writes one line of JSON per call: ISO time, level as text, `msg`, then the fields.
 *
 * Guarantees: what is no text, number or boolean is never printed, see {@link safeValue}; a line is
 * written when the call returns, if its file takes it; one that does not makes no call throw.
 */
export function createLogger({ level, destination, pretty = false }: LoggerOptions): ProcessLogger {
  const sink = typeof destination === 'number' ? fileSink(destination) : destination
  const stream = pretty ? { write: (line: string) => sink.write(prettyLine(line)) } : sink
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...secretFields], censor: '[redacted]' },
    },
    stream,
  )
  return facade(logger)
}

/**
 * A file that can be full: whoever logs may have the answer of a token endpoint in hand, and has to go on. Lines that
 * it does not take wait, as far as there is room, and follow once it takes some again.
 */
function fileSink(descriptor: number): LogDestination {
  const sink = toFile({ dest: descriptor, sync: true, maxLength: mostWaiting })
  sink.on('error', () => undefined)
  return sink
}

function facade(logger: Pino): ProcessLogger {
  return {
    debug: (fields, message) => logger.debug(safeFields(fields), safeMessage(message)),
    info: (fields, message) => logger.info(safeFields(fields), safeMessage(message)),
    warn: (fields, message) => logger.warn(safeFields(fields), safeMessage(message)),
    error: (fields, message) => logger.error(safeFields(fields), safeMessage(message)),
    setLevel: (level) => {
      logger.level = level
    },
    unfiltered: (fields) => facade(logger.child(safeFields(fields), { level: 'info' })),
  }
}

function safeFields(fields: LogFields): Readonly<Record<string, SafeValue>> {
  const safe: Record<string, SafeValue> = {}
  for (const [name, value] of Object.entries(fields))
    safe[reserved.includes(name) ? `${name}_` : name] = safeValue(value)
  return safe
}

function safeMessage(message: string): string {
  return String(safeValue(message))
}
