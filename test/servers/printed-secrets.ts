import { expect } from 'vitest'
import { assertNoLeak, canary, observeOutput } from '../support/canary.ts'
import type { OperatorBed } from './operator-bed.ts'

/** What other servers issue to the operator alone, so that no test knows it: recognized by its form. */
const forms = {
  'a token of Vault': /\b(hv[sb]|s|b)\.[A-Za-z0-9_-]{20,}/,
  'a JSON Web Token': /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\./,
  'a Basic or Bearer credential': /\b(Basic|Bearer) [A-Za-z0-9+/=_-]{16,}/,
  'a refresh token beside its name': /refresh_?token\\?"\s*:\s*\\?"[^"\\]/i,
}

/**
 * Scans all that the operators ever printed, and all that kubectl and /metrics show, for every secret
 * that is known and for the forms of those that are not.
 */
export async function expectNothingSecret(bed: OperatorBed): Promise<void> {
  const texts = await bed.observeEverything()
  for (const [form, pattern] of Object.entries(forms)) {
    for (const { source, text } of texts) expect(pattern.test(text), `${form} in ${source}`).toBe(false)
  }
  expect(texts.every(({ text }) => text.length > 100)).toBe(true)
  assertNoLeak()
  // That the scan finds what it looks for.
  observeOutput('a trial', Buffer.from(`{"token":"${canary('at')}"}`).toString('base64'))
  expect(assertNoLeak).toThrow('leaked into a trial')
}
