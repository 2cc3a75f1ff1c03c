import type * as z from 'zod'
import type { Problem } from '../domain/resources.ts'
import { withoutMember, withoutNulls } from './json.ts'
import { issueMessage, problemsOf } from './problems.ts'

/** What happens to fields that the schema does not have. */
export type UnknownFields = 'problem' | 'ignored'

export type ParsedSpec<T> =
  { readonly ok: true; readonly spec: T } | { readonly ok: false; readonly problems: readonly Problem[] }

const options = { error: issueMessage }

/** Fills in defaults and finds all problems. A valid spec is looked at once and never copied first. */
export function parseSpec<T>(schema: z.ZodType<T>, raw: unknown, unknownFields: UnknownFields): ParsedSpec<T> {
  const asWritten = schema.safeParse(raw, options)
  if (asWritten.success) return { ok: true, spec: asWritten.data }
  const cleaned = withoutNulls(raw)
  const parsed = schema.safeParse(cleaned, options)
  if (parsed.success) return { ok: true, spec: parsed.data }
  return unknownFields === 'problem'
    ? { ok: false, problems: problemsOf('spec', schema, parsed.error.issues) }
    : parseKnown(schema, cleaned, parsed.error.issues)
}

function parseKnown<T>(schema: z.ZodType<T>, raw: unknown, issues: readonly z.core.$ZodIssue[]): ParsedSpec<T> {
  const unknownPaths = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [],
  )
  const known = unknownPaths.reduce<unknown>(withoutMember, raw)
  const parsed = schema.safeParse(known, options)
  return parsed.success
    ? { ok: true, spec: parsed.data }
    : { ok: false, problems: problemsOf('spec', schema, parsed.error.issues) }
}
