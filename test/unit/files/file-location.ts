import type { RefreshTokenLocation } from '../../../src/ports/refresh-token-store.ts'

/** What a file store is given beside its directory, in tests about neither time nor metrics. */
export const noMeasures = {
  clock: { monotonicMs: () => 0 },
  metrics: { storeRequest: () => undefined },
}

/** A place in a store of files. */
export function fileLocation(place: {
  readonly directory: string
  readonly key: string
  readonly property?: string | undefined
}): RefreshTokenLocation {
  const { directory, key, property } = place
  const backend = { type: 'file', directory } as const
  const store = { kind: 'TokenStore', name: 'files', namespace: 'ci', generation: 1, access: [], backend } as const
  return { store, namespace: 'ci', key, ...(property !== undefined && { property }) }
}
