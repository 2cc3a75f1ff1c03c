import type { Guards } from './guards.ts'

/** What may go wrong, each a number of times. */
export const faults = [
  'crash',
  'podLoss',
  'podFalselyGone',
  'pause',
  'lostAnswer',
  'truncatedAnswer',
  'recordWriteUnknown',
  'storeWriteUnknown',
  'storeDown',
  'recordsDown',
  'rollback',
  'restore',
  'journalLoss',
  'humanLogin',
  'humanDelete',
  'humanEdit',
  'otherCluster',
  'otherClusterTakesOver',
] as const

export type Fault = (typeof faults)[number]

export type Leeway = 'None' | 'SameToken' | 'PreviousGeneration'

/** One scope of the model. */
export interface Settings {
  readonly name: string
  readonly replicas: number
  readonly leeway: Leeway
  /** How often the access token comes near its end. */
  readonly refreshes: number
  /** How often each fault may happen; those left out do not. */
  readonly faults: { readonly [fault in Fault]?: number }
  /** The store is written later; the record holds what is newest. */
  readonly paced?: boolean
  /** A read of the store may return any version that ever was current. */
  readonly staleReads?: boolean
  /** The document has no claim at first. */
  readonly unclaimed?: boolean
  /** How many spent fingerprints a record keeps; 16 are all. */
  readonly spentLimit?: number
  /** Faults may stop at any time; from then on one replica leads. */
  readonly faultsStop?: boolean
  /** How many refresh tokens each login may get. */
  readonly tokens?: number
  readonly guards: Guards
}

export function faultIndex(fault: Fault): number {
  return faults.indexOf(fault)
}

export function budgetOf(settings: Settings): number[] {
  return faults.map((fault) => settings.faults[fault] ?? 0)
}
