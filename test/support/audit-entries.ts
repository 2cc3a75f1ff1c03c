import type { AuditEntry, AuditLog } from '../../src/ports/audit-log.ts'
import type { AuditEvent } from '../../src/domain/audit-entry.ts'
import { observeOutput } from './canary.ts'

/** The audit log of a test, in memory. */
export class AuditEntries implements AuditLog {
  readonly entries: AuditEntry[] = []

  record(entry: AuditEntry): void {
    observeOutput('audit', JSON.stringify(entry))
    this.entries.push(entry)
  }

  events(): readonly AuditEvent[] {
    return this.entries.map(({ event }) => event)
  }

  of(event: AuditEvent): readonly AuditEntry[] {
    return this.entries.filter((entry) => entry.event === event)
  }
}
