import { SystemClock } from '../../../src/adapters/system/system-clock.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import type { Publication, TargetIdentity } from '../../../src/ports/access-token-sink.ts'

export const claudeTarget: TargetIdentity = {
  credential: { namespace: 'ci', name: 'claude' },
  credentialUid: 'ci.claude',
  name: 'claude-token',
  creationPolicy: 'Owner',
  deletionPolicy: 'Delete',
}

/** Of every process that publishes these. */
export const clock = new SystemClock()

/** What every file of the `count`-th publication holds. */
export function contentOf(count: number): string {
  return `${count},`.repeat(500)
}

/** The `count`-th of an endless row of publications: two files that always agree, and one that comes and goes. */
export function publicationOf(count: number): Publication {
  const keys = count % 2 === 0 ? ['a', 'b'] : ['a', 'b', `sometimes-${count}`]
  const files = new Map(keys.map((key) => [key, new Sensitive(contentOf(count))]))
  return {
    identity: claudeTarget,
    files,
    digest: `digest-${count}`,
    issuedAt: epochSeconds(1_700_000_000 + count),
    expiresAt: epochSeconds(1_800_000_000 + count),
  }
}
