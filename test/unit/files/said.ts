import type { Result } from '../../../src/domain/result.ts'
import { observeOutput } from '../../support/canary.ts'

/** What a person is told of a result: `CODE: message`, or `ok`. */
export async function said(result: Result<unknown> | Promise<Result<unknown>>): Promise<string> {
  const settled = await result
  if (settled.ok) return 'ok'
  observeOutput('failure', JSON.stringify(settled.failure))
  return `${settled.failure.code}: ${settled.failure.message}`
}
