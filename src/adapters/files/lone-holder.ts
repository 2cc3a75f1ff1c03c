import { ok, type Result } from '../../domain/result.ts'
import type { RecordHolder, RecordHolders } from '../../ports/refresh-records.ts'

/** The one process that has the state directory. Of whoever else held an intent in it nothing is known. */
export class LoneHolder implements RecordHolders {
  readonly self: RecordHolder

  constructor(journalId: string) {
    this.self = { journalId }
  }

  isGone(): Promise<Result<boolean>> {
    return Promise.resolve(ok(false))
  }
}
