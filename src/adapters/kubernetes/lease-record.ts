import type { EpochSeconds } from '../../domain/time.ts'
import { fields } from './watch-event.ts'

/** A `coordination.k8s.io/v1` Lease, with everything in it that is not ours. */
export interface Lease {
  readonly body: Readonly<Record<string, unknown>>
  readonly holder: string
  readonly durationSeconds: number | undefined
  readonly transitions: number
  /** Differs whenever the holder wrote; other people's labels and annotations do not count. */
  readonly record: string
}

export interface Claim {
  /** Empty: the Lease is given up. */
  readonly holder: string
  readonly durationSeconds: number
  readonly now: EpochSeconds
}

export function readLease(body: unknown): Lease {
  const spec = fields(fields(body)['spec'])
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = spec
  return {
    body: fields(body),
    holder: typeof holderIdentity === 'string' ? holderIdentity : '',
    durationSeconds: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds : undefined,
    transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
    record: JSON.stringify(spec),
  }
}

/** The Lease as a PUT that takes, renews or gives it up; its resourceVersion makes it a compare-and-swap. */
export function claimed(lease: Lease, claim: Claim): unknown {
  const { holder, durationSeconds } = claim
  const now = microTime(claim.now)
  const spec = {
    ...fields(lease.body['spec']),
    holderIdentity: holder,
    leaseDurationSeconds: durationSeconds,
    renewTime: now,
  }
  if (holder === lease.holder) return { ...lease.body, spec }
  const transitions = holder === '' ? lease.transitions : lease.transitions + 1
  return { ...lease.body, spec: { ...spec, acquireTime: now, leaseTransitions: transitions } }
}

/** The Lease as a POST, where there is none yet. */
export function newLease(namespace: string, name: string, claim: Claim): unknown {
  const now = microTime(claim.now)
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name },
    spec: {
      holderIdentity: claim.holder,
      leaseDurationSeconds: claim.durationSeconds,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    },
  }
}

/** `metav1.MicroTime`, which is read with exactly six digits. Told to people; nobody calculates with it. */
function microTime(time: EpochSeconds): string {
  return new Date(time * 1000).toISOString().replace('Z', '000Z')
}
