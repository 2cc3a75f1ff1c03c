import { conditionOf } from './conditions.ts'
import { decide } from './decide.ts'
import { failureRegistry } from './failure-registry.ts'
import type { Observed } from './observed.ts'
import { facing, withHome } from './record-places.ts'
import type { RefreshRecord } from './refresh-record.ts'
import type { Outcome, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'

/**
 * Follows a look at the store of a place that was left. That holds nobody up, whatever came of it: the record has the
 * tokens, and a store that is away is asked again later. A condition says so until then.
 */
export function afterBringHome(
  gathered: Observed,
  { tokens: { fingerprint, isHome }, result }: Extract<Outcome, { kind: 'bring-home' }>,
  now: EpochSeconds,
): Step {
  const observed: Observed = { ...gathered, leftTried: true }
  const { settled = [], failed = [] } = observed.left ?? {}
  const others = failed.filter((one) => one.fingerprint !== fingerprint)
  const isSettled = result.ok ? result.value.kind !== 'given-up' : isHome === true
  if (!isSettled) {
    const again = { fingerprint, at: now, ...(!result.ok && { failure: result.failure }) }
    return decide({ ...observed, left: { settled, failed: [...others, again] } }, now)
  }
  const left = { settled: [...settled, fingerprint], failed: others }
  if (!result.ok) return decide({ ...observed, left }, now)
  const found = asKnown(observed, result.value.record)
  // Another token there may be a mistake that somebody takes back: the store was not seen to have this one.
  const record = result.value.kind === 'replaced' ? found : withHome(found, fingerprint)
  return decide({ ...observed, record, left, ...homeSign(observed) }, now)
}

/** What was told of a document that was put back says nothing of a place that was left. */
function homeSign({ state }: Observed): Pick<Observed, 'broughtHome'> {
  const told = conditionOf(state.conditions, 'RefreshTokenPersisted')
  return told?.reason === failureRegistry.STORE_ROLLED_BACK.reason ? {} : { broughtHome: true }
}

/** With the tokens of the spec's place in the open, where they are: their key was not at hand at the other one. */
function asKnown({ record: known, credential: { spec } }: Observed, found: RefreshRecord): RefreshRecord {
  if (known?.version === found.version) return known
  return spec.grant === 'RefreshToken' ? facing(found, spec.refreshToken) : found
}
