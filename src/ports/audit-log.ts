import type { AuditEntry } from '../domain/audit-entry.ts'

export type { AuditEntry } from '../domain/audit-entry.ts'

/**
 * What happened to credentials, for who has to account for it afterwards.
 *
 * Guarantees: an entry that was taken is written when the call returns, if what it is written to takes it, whatever level
 * other lines need, and none is left out to make room for others.
 */
export interface AuditLog {
  record(entry: AuditEntry): void
}
