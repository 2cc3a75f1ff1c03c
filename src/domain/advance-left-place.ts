import { decide } from './decide.ts'
import type { Observed } from './observed.ts'
import { facing } from './record-places.ts'
import type { RefreshRecord } from './refresh-record.ts'
import type { Outcome, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'

/**
 * Follows a look at the store of a place that was left. That holds nobody up, whatever came of it: the record has the
 * tokens, and a store that is away is asked again later. A condition says so until then.
 */
export function afterBringHome(
  observed: Observed,
  { tokens: { fingerprint }, result }: Extract<Outcome, { kind: 'bring-home' }>,
  now: EpochSeconds,
): Step {
  const { settled = [] } = observed.left ?? {}
  if (!result.ok) return decide({ ...observed, left: { settled, failed: { at: now, failure: result.failure } } }, now)
  const record = asKnown(observed, result.value.record)
  return decide({ ...observed, record, left: { settled: [...settled, fingerprint] }, broughtHome: true }, now)
}

/** With the tokens of the spec's place in the open, where they are: their key was not at hand at the other one. */
function asKnown({ record: known, credential: { spec } }: Observed, found: RefreshRecord): RefreshRecord {
  if (known?.version === found.version) return known
  return spec.grant === 'RefreshToken' ? facing(found, spec.refreshToken) : found
}
