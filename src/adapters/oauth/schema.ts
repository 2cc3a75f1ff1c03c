import * as z from 'zod'

/** As long as one in a manifest may be: metadata are kept, of a thousand providers at a time. */
const url = z.string().max(2048)

const aliases = z.object({
  token_endpoint: url.optional(),
  introspection_endpoint: url.optional(),
  revocation_endpoint: url.optional(),
})

/** Authorization server metadata: RFC 8414 §2, and RFC 8705 §5 for the aliases. */
export const Metadata = z.object({
  issuer: z.string(),
  token_endpoint: url.optional(),
  introspection_endpoint: url.optional(),
  revocation_endpoint: url.optional(),
  mtls_endpoint_aliases: aliases.optional(),
})

/** Introspection response, RFC 7662 §2.2. `exp` is in seconds since the epoch; some servers write it as text. */
export const IntrospectionResponse = z.object({
  active: z.boolean(),
  exp: z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,15}$/)
        .transform(Number),
    ])
    .optional(),
})

/** An error response of a revocation endpoint, RFC 7009 §2.2.1. */
export const RevocationError = z.object({ error: z.string() })

/** The value of a JSON text; undefined when it is none. What the platform says of it would quote it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
