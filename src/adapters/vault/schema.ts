import * as z from 'zod'
import type { Sensitive } from '../../domain/sensitive.ts'

const errors = z.object({ errors: z.array(z.string()) })

/** What Vault says is wrong. For recognising, never for showing: the texts can quote the request. */
export function vaultErrors(body: Sensitive): readonly string[] {
  const parsed = errors.safeParse(parseJson(body))
  return parsed.success ? parsed.data.errors : []
}

/** Answer of a login and of a renewal. */
export const Auth = z.object({
  auth: z.object({
    client_token: z.string().min(1),
    /** Seconds; 0: does not end. */
    lease_duration: z.number().nonnegative(),
    renewable: z.boolean(),
  }),
})

/** Answer of `auth/token/lookup-self`. */
export const TokenLookup = z.object({
  data: z.object({
    /** Seconds; 0: does not end. */
    ttl: z.number().nonnegative(),
    renewable: z.boolean().optional(),
  }),
})

const metadata = z.object({
  version: z.int().nonnegative(),
  created_time: z.string(),
  deletion_time: z.string().optional(),
  destroyed: z.boolean().optional(),
})

/** Of one version. `deletion_time` lies in the future for a version that will end by itself. */
export type Metadata = z.output<typeof metadata>

/** Answer of reading a KV version 2 path: 200, or 404 with the metadata of a version that is gone. */
export const KvRead = z.object({ data: z.object({ data: z.unknown(), metadata }) })

/** Answer of writing a KV version 2 path. */
export const KvWritten = z.object({ data: metadata })

/** Answer of `sys/internal/ui/mounts/<path>`. */
export const Mount = z.object({
  data: z.object({ type: z.string(), options: z.object({ version: z.string().optional() }).nullish() }),
})

/** Undefined when the text is not JSON. */
export function parseJson(body: Sensitive): unknown {
  try {
    return JSON.parse(body.reveal())
  } catch {
    return undefined
  }
}
