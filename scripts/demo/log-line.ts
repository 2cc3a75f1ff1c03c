import * as z from 'zod'

const schema = z.object({
  level: z.string(),
  msg: z.string(),
  credential: z.string().optional(),
  /** Count of refreshes, on the line that tells of one. */
  refreshes: z.number().optional(),
  rotated: z.boolean().optional(),
  code: z.string().optional(),
  event: z.string().optional(),
})

/** What the demo reads of a line that standalone mode logs. */
export type LogLine = z.infer<typeof schema>

/** Undefined for a line that is not of the log, such as what Node prints when a process dies. */
export function parseLogLine(line: string): LogLine | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** The name of a credential whose key is `namespace/name`. */
export function nameOf({ credential }: LogLine): string | undefined {
  return credential?.slice(credential.indexOf('/') + 1)
}
