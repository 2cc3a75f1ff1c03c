import * as z from 'zod'
import { parseGoDuration } from '../domain/duration.ts'
import { placeholder } from '../domain/provider-template.ts'
import { constrained } from './rule.ts'
import { decodeTime } from './status-time.ts'

const subdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** The name of an object. @see RFC 1123 §2.1, as Kubernetes reads it */
export const objectName = z
  .string()
  .min(1, { abort: true })
  .max(253)
  .regex(
    subdomainPattern,
    'must be a DNS subdomain name: lower-case letters, digits and any of . -, such as claude-token',
  )

/** A key of a Secret's `data`, which is also the name of a file in a mounted volume. */
export const dataKey = constrained(
  z
    .string()
    .min(1, { abort: true })
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/, 'must be made of letters, digits and any of . - _'),
  {
    cel: "self != '.' && !self.startsWith('..')",
    message: 'must not be a dot or begin with two',
    holds: (value) => value !== '.' && !value.startsWith('..'),
  },
)

/** A moment in RFC 3339. */
export const moment = constrained(
  z
    .string()
    .min(1, { abort: true })
    .max(64)
    .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$/, {
      message: 'must be a time in RFC 3339, such as 2027-11-01T00:00:00Z',
      abort: true,
    }),
  {
    cel: "timestamp(self) >= timestamp('2000-01-01T00:00:00Z')",
    message: 'must be a day that exists, from the year 2000 on',
    holds: (value) => isDay(value) && (decodeTime(value) ?? 0) >= firstMoment,
  },
)

/** 2000-01-01T00:00:00Z. */
const firstMoment = 946_684_800

/** Date.parse takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const day = text.slice(0, 10)
  const parsed = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(day)
}

/** A Go duration between two bounds, both included. */
export function durationText(shortest: string, longest: string): z.ZodString {
  const [low, high] = [parseGoDuration(shortest) ?? 0, parseGoDuration(longest) ?? 0]
  return constrained(
    z
      .string()
      .min(1, { abort: true })
      .max(32)
      .regex(/^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$/, 'must be a duration such as 90s, 20m or 1h30m'),
    {
      cel: `duration(self) >= duration('${shortest}') && duration(self) <= duration('${longest}')`,
      message: `must be from ${shortest} to ${longest}`,
      holds: (value) => {
        const length = parseGoDuration(value)
        return length !== undefined && length >= low && length <= high
      },
    },
  )
}

const host = String.raw`(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?)`
const port = '(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?'
const pathText = "([a-zA-Z0-9._~!$&'()*+,;=:@/-]|%[0-9a-fA-F]{2})*"
const queryText = "([a-zA-Z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-fA-F]{2})*"
const parsable = z.url()

const parses = {
  cel: 'isURL(self)',
  message: 'must be a URL with a host that exists as a name or an address',
  holds: (value: string) => parsable.safeParse(value).success,
}

/** An absolute http or https URL; user information and fragments cannot be written. */
export const httpUrl = constrained(
  z
    .string()
    .min(1, { abort: true })
    .max(2048)
    .regex(
      new RegExp(`^https?://${host}${port}(/${pathText})?([?]${queryText})?$`),
      'must be an absolute https URL without user information and fragment, such as https://login.example.com/oauth/token',
    ),
  parses,
)

const placed = (characters: string) => `(${characters}|${placeholder})`
const hostTemplate = String.raw`(\[[0-9a-fA-F:.]+\]|${placed('[a-zA-Z0-9]')}${placed('[-a-zA-Z0-9._]')}*)`
const pathTemplate = `${placed(pathText.slice(1, -2))}*`

const parsesWithoutBraces = {
  cel: "isURL(self.replace('{', '').replace('}', ''))",
  message: parses.message,
  holds: (value: string) => parsable.safeParse(value.replaceAll(/[{}]/g, '')).success,
}

/** Like {@link httpUrl}, with the names of variables in braces in its host and its path. */
export const httpUrlTemplate = constrained(
  z
    .string()
    .min(1, { abort: true })
    .max(2048)
    .regex(
      new RegExp(`^https?://${hostTemplate}${port}(/${pathTemplate})?([?]${queryText})?$`),
      'must be an absolute https URL without user information and fragment, such as https://{tenant}.example.com/oauth/token',
    ),
  parsesWithoutBraces,
)

/** Like {@link httpBaseUrl}, with the names of variables in braces. */
export const httpBaseUrlTemplate = constrained(
  z
    .string()
    .min(1, { abort: true })
    .max(2048)
    .regex(
      new RegExp(`^https?://${hostTemplate}${port}(/${pathTemplate})?$`),
      'must be an absolute https URL without user information, query and fragment, such as https://{tenant}.example.com',
    ),
  parsesWithoutBraces,
)

/** An absolute http or https URL that paths are appended to. */
export const httpBaseUrl = constrained(
  z
    .string()
    .min(1, { abort: true })
    .max(2048)
    .regex(
      new RegExp(`^https?://${host}${port}(/${pathText})?$`),
      'must be an absolute https URL without user information, query and fragment, such as https://vault.example:8200',
    ),
  parses,
)

/**
 * Scheme, host and port of an http or https URL, with or without a slash behind. What comes out is
 * written as the WHATWG URL standard writes an origin: lower case, and no port that the scheme implies.
 */
export const httpOrigin = z
  .string()
  .max(2048)
  .regex(new RegExp(`^https?://${host}${port}/?$`, 'i'))
  .pipe(z.url({ normalize: true }))
  .transform((url) => url.slice(0, -1))

/**
 * Segments joined by single slashes, none of them `.` or `..`. RE2 cannot look ahead, so a segment
 * is spelled out: it has a character other than a dot, or at least three dots.
 */
function segmentsPattern(character: string): RegExp {
  const segment = String.raw`(\.*${character}(${character}|\.)*|\.{3,})`
  return new RegExp(`^${segment}(/${segment})*$`)
}

const pathCharacter = '[a-zA-Z0-9_+=@:!,-]'

/** A relative path that cannot leave the place that it is appended to. */
export function relativePath(maxLength: number): z.ZodString {
  return z
    .string()
    .min(1, { abort: true })
    .max(maxLength)
    .regex(
      segmentsPattern(pathCharacter),
      'must be parts joined by /, none empty and none only one or two dots, of letters, digits and any of . _ + = @ : ! , -',
    )
}

/** Like {@link relativePath}, with wildcards and the placeholder of the namespace. */
export function pathPattern(maxLength: number): z.ZodString {
  return z
    .string()
    .min(1, { abort: true })
    .max(maxLength)
    .regex(
      segmentsPattern(String.raw`([a-zA-Z0-9_+=@:!,*-]|\{namespace\})`),
      'must be parts joined by /, none empty and none only one or two dots, of letters, digits, any of . _ + = @ : ! , -, * and {namespace}',
    )
}

/** A JSON pointer that names a member, not the whole document. @see RFC 6901 §3 */
export const jsonPointer = z
  .string()
  .min(1, { abort: true })
  .max(512)
  .regex(/^(\/([^/~]|~0|~1)*)+$/, 'must be a JSON pointer (RFC 6901), such as /data/access_token')

/** Printable ASCII. */
export function printable(maxLength: number): z.ZodString {
  return z
    .string()
    .min(1, { abort: true })
    .max(maxLength)
    .regex(/^[\x20-\x7E]+$/, 'must be printable ASCII')
}

/** A map from any text to `value`. JSON schema of zod has no word for its size. */
export function mapOf<V extends z.ZodType>(value: V, maxProperties: number): z.ZodRecord<z.ZodString, V> {
  return z
    .record(z.string(), value)
    .refine((map) => Object.keys(map).length <= maxProperties, `must have at most ${maxProperties} members`)
    .meta({ maxProperties })
}
