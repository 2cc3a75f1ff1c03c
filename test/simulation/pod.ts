import type { JournalEntry } from '../../src/domain/journal-entry.ts'
import type { RecordHolder } from '../../src/domain/refresh-record.ts'

/** One Pod: its node's wall clock, and a journal that outlives its processes and not the Pod. */
export class Pod {
  readonly holder: RecordHolder
  readonly journal = new Map<string, JournalEntry>()
  wallOffsetSeconds = 0
  /** False once the API server does not know it any more. */
  known = true
  /** False once its node, and the journal with it, is gone. */
  standing = true

  constructor(name: string, serial: number) {
    this.holder = { journalId: `journal-${serial}`, pod: { name, uid: `pod-${serial}` } }
  }
}
