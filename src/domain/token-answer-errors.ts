import type { ResponseForm } from './provider.ts'
import type { AnswerBody } from './token-answer-body.ts'
import {
  type ErrorMeaning,
  meaningOfClass,
  meanings,
  meaningsOfDescriptions,
  passingEntraErrors,
  passingEntraWaitSeconds,
  subcodeMembers,
} from './token-answer-codes.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './token-answer-json.ts'
import { valueAt } from './token-answer-pointer.ts'

/** An error that an answer reports. `code` is absent when it is none that we know; then nobody gets to see it. */
export interface ReportedError {
  readonly code?: string
  readonly meaning?: ErrorMeaning
  /** Seconds to stay away at least, for errors that are known to get worse when asked again. */
  readonly minimumWaitSeconds?: number
}

/**
 * The error that an answer reports; undefined when it reports none. `hasAccessToken`: members that
 * only some providers use for errors mean nothing beside an access token.
 */
export function reportedError(
  body: Pick<AnswerBody, 'members' | 'ending'>,
  response: ResponseForm,
  hasAccessToken: boolean,
): ReportedError | undefined {
  const explicit = isExplicit(body, response)
  if (!explicit && hasAccessToken) return undefined
  const { members } = body
  const code = errorCodes(members, response).find((candidate) => isKnown(candidate, response))
  if (code === undefined) return explicit ? {} : undefined
  return withSpecialCases(members, code)
}

/** What the provider's manifest says that this answer means; undefined when it says nothing of it. */
export function ruledMeaning(members: JsonObject, status: number, response: ResponseForm): ErrorMeaning | undefined {
  const codes = errorCodes(members, response)
  const rule = response.errors.find(
    (one) =>
      (one.code === undefined || codes.includes(one.code.toLowerCase())) &&
      (one.status === undefined || one.status === status),
  )
  return rule === undefined ? undefined : meaningOfClass[rule.meaning]
}

/** Codes that the manifest names are no secret, whatever it says of them. */
function isKnown(code: string, { errors }: ResponseForm): boolean {
  return meanings.has(code) || errors.some((rule) => rule.code?.toLowerCase() === code)
}

function isExplicit(body: Pick<AnswerBody, 'members' | 'ending'>, response: ResponseForm): boolean {
  const { members } = body
  const success = successOf(body, response)
  if (success === false || members.get('ok') === false || members.get('success') === false) return true
  if (isPresent(members.get('error'))) return true
  return success === undefined && response.error !== undefined && isPresent(valueAt(members, response.error))
}

/** Undefined when the manifest does not say how success looks, or when that part has not arrived. */
function successOf(
  { members, ending }: Pick<AnswerBody, 'members' | 'ending'>,
  { success }: ResponseForm,
): boolean | undefined {
  if (success === undefined) return undefined
  const found = valueAt(members, success.pointer)
  if (found === undefined && ending === 'cut') return undefined
  // A form knows no numbers, and some servers write theirs as text.
  return textOf(found) === String(success.value)
}

function textOf(value: JsonValue | undefined): string | undefined {
  return value === undefined || isJsonObject(value) || isJsonArray(value) ? undefined : String(value)
}

function withSpecialCases(members: JsonObject, code: string): ReportedError {
  if (entraNumbers(members).some((number) => passingEntraErrors.has(number)))
    return { code, meaning: 'TOKEN_ENDPOINT_THROTTLED', minimumWaitSeconds: passingEntraWaitSeconds }
  const subcode = subcodeMembers.map((name) => lowerCase(members.get(name))).find((word) => meanings.has(word))
  const said = subcode ?? code
  const meaning = (subcode === undefined ? describedMeaning(members, code) : undefined) ?? meanings.get(said)
  return meaning === undefined ? { code: said } : { code: said, meaning }
}

function describedMeaning(members: JsonObject, code: string): ErrorMeaning | undefined {
  const description = lowerCase(members.get('error_description')).trim().replace(/\.$/, '')
  return meaningsOfDescriptions.get(`${code}: ${description}`)
}

/** Entra has its numbers in a member of their own, and at the beginning of the description. */
function entraNumbers(members: JsonObject): readonly number[] {
  const numbers = listOf(members, 'error_codes').filter((number) => typeof number === 'number')
  const [, written] = /^aadsts(\d{4,8})\b/.exec(lowerCase(members.get('error_description'))) ?? []
  return written === undefined ? numbers : [...numbers, Number(written)]
}

/**
 * Where providers put their error code, in lower case: first where the manifest says, then where the standard
 * has it, then inside an error object, then beside it. Numbers as text.
 */
function errorCodes(members: JsonObject, { error: pointer }: ResponseForm): readonly string[] {
  const pointed = pointer === undefined ? [] : insideOf(valueAt(members, pointer))
  const beside = ['error_code', 'code', 'status', ...subcodeMembers].map((name) => members.get(name))
  const standard = insideOf(members.get('error'))
  const all = [
    ...pointed,
    ...standard,
    ...insideOf(members.get('errors')),
    ...beside,
    ...listOf(members, 'error_codes'),
  ]
  return all.filter((value) => typeof value === 'string' || typeof value === 'number').map(codeOf)
}

/** An error may be an object, or the first of a list (Fitbit). */
function insideOf(error: JsonValue | undefined): readonly (JsonValue | undefined)[] {
  const first = isJsonArray(error) ? error[0] : error
  return isJsonObject(first) ? ['code', 'type', 'errorType', 'status'].map((name) => first.get(name)) : [first]
}

function listOf(members: JsonObject, name: string): readonly JsonValue[] {
  const list = members.get(name)
  return isJsonArray(list) ? list : []
}

/** Some put words behind the code, after a colon (Dropbox). */
function codeOf(value: JsonValue): string {
  return lowerCase(value).split(': ', 1).join('')
}

function lowerCase(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).toLowerCase() : ''
}

/** Answers with `"error": null`, `""`, `false`, `0` or `"0"` report success. */
function isPresent(value: JsonValue | undefined): boolean {
  return !(value === undefined || value === null || value === '' || value === false || value === 0 || value === '0')
}
