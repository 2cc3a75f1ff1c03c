import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileRefreshRecords } from '../../src/adapters/files/refresh-records.ts'
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts'
import type { RecordWatch } from '../../src/adapters/kubernetes/record-watch.ts'
import { KubernetesRefreshRecords } from '../../src/adapters/kubernetes/refresh-records.ts'
import { tokenFingerprint } from '../../src/adapters/system/token-fingerprint.ts'
import type { RecordsHarness } from '../contract/refresh-records.ts'
import type { ApiHands } from './api-hands.ts'
import { MemoryRefreshRecords } from './memory-refresh-records.ts'

export function memoryRecords(): RecordsHarness {
  const records = new MemoryRefreshRecords()
  return {
    process: () => records.ofAnotherReplica(),
    visible: (uid) => Promise.resolve(JSON.stringify(records.record(uid))),
    takeAway: (uid) => Promise.resolve(records.delete(uid)),
  }
}

export function fileRecords(): RecordsHarness {
  const state = mkdtempSync(join(tmpdir(), 'records-'))
  const directory = join(state, 'records')
  return {
    process: () => new FileRefreshRecords({ directory, fingerprint: tokenFingerprint }),
    takeAway: (uid) => Promise.resolve(rmSync(join(directory, `${uid}.json`))),
    stop: () => Promise.resolve(rmSync(state, { recursive: true })),
  }
}

export function recordsOver(client: KubeClient, namespace: string, watch?: RecordWatch): KubernetesRefreshRecords {
  return new KubernetesRefreshRecords({ client, namespace, fingerprint: tokenFingerprint, ...(watch && { watch }) })
}

/** Records in the namespace of these hands, which is the operator's own. */
export function secretRecords(hands: ApiHands): RecordsHarness {
  const name = (uid: string): string => `oauth-refresh-${uid}`
  return {
    process: () => recordsOver(hands.operator, hands.namespace),
    visible: async (uid) => JSON.stringify([await hands.secret(name(uid)), await hands.data(name(uid))]),
    takeAway: (uid) => hands.deleteSecret(name(uid)),
  }
}
