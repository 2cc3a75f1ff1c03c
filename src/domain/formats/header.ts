import { rendered, type Format } from './format.ts'

/** One HTTP header line with its name, because `curl -H @file` sends nothing at all without it. @see RFC 6750 §2.1 */
export const header: Format = {
  key: 'authorization',
  readerMarginSeconds: 0,
  render: ({ text }) => rendered(`Authorization: Bearer ${text}`),
}
