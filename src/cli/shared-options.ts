import { InvalidArgumentError, Option } from 'commander'
import { parseGoDuration } from '../domain/duration.ts'
import { type DurationSeconds, minutes } from '../domain/time.ts'

/** Which addresses the operator may talk to, and with whose identity. */
export interface EndpointFlags {
  readonly allowPlainHttp: boolean
  readonly allowPrivateAddresses: boolean
  readonly ambientStoreCredentials: 'cluster-stores-only' | 'all'
}

export interface LogFlags {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'json' | 'pretty'
  readonly auditLog: boolean
}

/** An option that can also be set by the environment variable `OAUTH_OPERATOR_` and its name. */
export function environmentOption(flags: string, description: string): Option {
  const option = new Option(flags, description)
  return option.env(`OAUTH_OPERATOR_${option.attributeName().replace(/[A-Z]/g, '_$&').toUpperCase()}`)
}

/**
 * A switch. Its environment variable says `true` or `false`: where only its presence counted, `false`
 * would turn a protection off.
 */
export function environmentSwitch(flag: string, description: string): Option {
  return environmentOption(`${flag} [boolean]`, description).preset('true').argParser(parseBoolean)
}

export function endpointOptions(ambient: EndpointFlags['ambientStoreCredentials']): readonly Option[] {
  return [
    environmentSwitch(
      '--allow-plain-http',
      'allow http:// token endpoints and stores; tokens then travel unencrypted',
    ).default(false),
    environmentSwitch(
      '--allow-private-addresses',
      'allow token endpoints, and stores of single namespaces, at private and loopback addresses; link-local ones and those of cloud platforms are never allowed',
    ).default(false),
    environmentOption(
      '--ambient-store-credentials <who>',
      "which stores may log in with this process's own cloud or cluster identity",
    )
      .choices(['cluster-stores-only', 'all'])
      .default(ambient),
  ]
}

/** What a mode logs unless it is told otherwise. */
export function logOptions({ logFormat, auditLog }: Pick<LogFlags, 'logFormat' | 'auditLog'>): readonly Option[] {
  return [
    environmentOption('--log-level <level>', 'least important lines that are logged')
      .choices(['debug', 'info', 'warn', 'error'])
      .default('info'),
    environmentOption('--log-format <format>', 'one JSON object, or one readable line')
      .choices(['json', 'pretty'])
      .default(logFormat),
    environmentSwitch(
      '--audit-log',
      'write a line for each event in the life of a credential, whatever the log level',
    ).default(auditLog),
    new Option('--no-audit-log', 'write no audit log'),
  ]
}

/** Only the two words: what else a person may have meant is not guessed. */
function parseBoolean(value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true'
  throw new InvalidArgumentError('Expected true or false.')
}

/** `host:port`, `:port`, or `[ipv6]:port`. */
export function parseAddress(value: string): string {
  const [, port] = /^(?:\[[^\]\s]+\]|[^\s:[\]]*):(\d{1,5})$/.exec(value) ?? []
  if (port !== undefined && Number(port) <= 65_535) return value
  throw new InvalidArgumentError('Expected host:port, for example 0.0.0.0:8080.')
}

/** Comma-separated names of namespaces. */
export function parseNamespaces(value: string): readonly string[] {
  const names = value.split(',').map((name) => name.trim())
  if (names.every((name) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))) return names
  throw new InvalidArgumentError('Expected namespace names, separated by commas.')
}

/** From ten seconds to a day. */
export function parseInterval(value: string): DurationSeconds {
  const interval = parseGoDuration(value)
  if (interval !== undefined && interval >= 10 && interval <= minutes(24 * 60)) return interval
  throw new InvalidArgumentError('Expected a duration from 10s to 24h, for example 10m.')
}

/** A whole number from 1. */
export function parseCount(value: string): number {
  if (/^[1-9]\d{0,5}$/.test(value)) return Number(value)
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999.')
}
